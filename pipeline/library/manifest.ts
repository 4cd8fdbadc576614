import { z } from 'zod';
import { blockName, widthName } from '../model/architecture.ts';

/**
 * The library's contract: `manifest.json`, version 1. Strict: an unknown key is an error, so a reader never passes
 * over something that matters. What a published version does not have raises `schemaVersion`; until the first release,
 * version 1 grows by optional members only.
 *
 * Units are in the names (`Pp` percentage points, `Percent`, `Ms`, `Bytes`); KL is in nats, errors and sparsity are
 * shares. Parameters, MACs and latencies of a descendant are those of its FFN block alone (fc1, GELU, fc2), MACs and
 * latency for one image or one batch as `latencyProfile` says. Intervals are two-sided at `confidence`.
 */
export const schemaVersion = 1;

const count = z.int().min(0);
const positive = z.int().min(1);
const share = z.number().min(0).max(1);
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');

/** Relative, below the manifest's folder, in POSIX form: no "..", no drive, no leading slash. */
const relativePath = z
  .string()
  .max(500)
  .regex(
    /^(?!\.{1,2}(\/|$))[\w.-]+(\/(?!\.{1,2}(\/|$))[\w.-]+)*$/,
    'expected a relative path inside the folder',
  );

const file = z.strictObject({ path: relativePath, sizeBytes: positive, sha256: digest });

const interval = z.strictObject({ mean: z.number(), low: z.number(), high: z.number() });
const percent = z.number().min(0).max(100);

const accuracy = z.strictObject({
  images: positive,
  top1Percent: interval,
  top5Percent: percent.optional(),
});

/** The model with one descendant against the same model with the teacher's block, over the same images. */
const delta = z.strictObject({
  images: positive,
  top1Pp: interval,
  top5Pp: z.number().optional(),
  kl: z.number(),
  /** What of `kl` the descendant adds to that of the same model with the teacher's block. */
  klIncrease: z.number().optional(),
  agreementPercent: percent,
});

const architecture = z.strictObject({
  imageSize: positive,
  patchSize: positive,
  channels: z.union([z.literal(1), z.literal(3)]),
  width: positive,
  depth: positive.max(10_000),
  heads: positive,
  hidden: positive,
  classes: positive,
  layerNormEpsilon: z.number().positive(),
  gelu: z.enum(['exact', 'tanh']),
});

const preprocessing = z.strictObject({
  resize: positive.nullable(),
  resizeMode: z.enum(['shortest', 'stretch']),
  interpolation: z.enum(['bicubic', 'bilinear', 'nearest', 'lanczos']),
  crop: positive,
  channels: z.union([z.literal(1), z.literal(3)]),
  mean: z.array(z.number()).min(1).max(3),
  std: z.array(z.number().positive()).min(1).max(3),
});

const descendant = z.strictObject({
  /** `block-03/w0384` */
  id: z.string().regex(/^block-\d{2,}\/w\d{4,}$/, 'expected e.g. "block-03/w0384"'),
  /** H', the hidden units kept. */
  width: positive,
  sparsity: share,
  /** Member of the block's `keptUnits` file that lists the teacher's hidden units behind the columns of fc1. */
  keptUnitsKey: z.string(),
  /** Its weights by timm's names, `blocks.3.mlp.fc1.weight`. */
  file,
  /** Its graph: `tokens` [rows, D] -> `output` [rows, D]. The weights are those of `file`, by reference. */
  onnx: file.optional(),
  params: positive,
  macs: positive,
  latencyMs: z.strictObject({ p50: z.number().min(0), p90: z.number().min(0) }),
  /** By what the other blocks were (`contexts`), and averaged over those; the ranking uses the average. */
  deltas: z.strictObject({
    teacher: delta,
    middle: delta.optional(),
    sparsest: delta.optional(),
    average: delta.optional(),
  }),
  /** Output error as a share of the centred energy of the teacher's block output: predicted by the refit ... */
  predictedError: z.number().nullable(),
  /** ... and measured on held-out tokens, after the refit and for the weights in the file. */
  heldOutError: z.strictObject({ refit: z.number(), final: z.number() }).nullable(),
  /** Share of the refit's held-out error that training removed. */
  gainOverRefit: z.number().nullable(),
  source: z.enum(['teacher', 'refit', 'distilled']),
  /** Within the block, 1 is the best; 0 for the teacher's own block, which saves nothing and is not ranked. */
  rank: count,
  dominated: z.boolean(),
});

const block = z.strictObject({
  index: count,
  /** `block-03` */
  name: z.string(),
  /** H of the teacher's block. */
  hidden: positive,
  /** JSON: key -> unit indices, in the order of the file's columns. */
  keptUnits: file,
  /** Widest first; the first is the teacher's own block, bit for bit. */
  descendants: z.array(descendant).min(1),
});

const modelScores = accuracy.extend({ top1DeltaPp: interval, kl: z.number(), agreementPercent: percent });

/** What the manifest of a model put together from a library is made of as well. */
export const manifestParts = { positive, digest, file, architecture, preprocessing, modelScores } as const;

const uniform = z.strictObject({
  sparsity: share,
  /** One descendant per block, in block order. */
  descendants: z.array(z.string()),
  /** Of the whole model. */
  params: positive,
  macs: positive,
  /** Measured with the refitted weights, before training. */
  refit: modelScores,
  /** Measured with the weights in the library; null where nothing was trained. */
  distilled: modelScores.nullable(),
});

/** A model in which blocks were exchanged one at a time, itself measured. */
const context = modelScores.extend({
  name: z.enum(['teacher', 'middle', 'sparsest']),
  /** Hidden units of every block that is not exchanged. */
  width: positive,
});

const allocated = z.strictObject({
  /** Of the uniform model whose FFN parameters were the budget. */
  sparsity: share,
  /** Whose single-block divergences chose the widths; `uniform` where no candidate diverged less than that. */
  costs: z.enum(['teacher', 'middle', 'sparsest', 'average', 'uniform']),
  descendants: z.array(z.string()),
  params: positive,
  macs: positive,
  scores: modelScores,
  /** Top-1 minus that of the uniform model, paired, on the images that the widths were chosen by: optimistic. */
  versusUniformPp: interval,
});

/** Predicted against measured losses of top-1 over random compositions, in percentage points. */
const predictionErrors = z.strictObject({
  compositions: count,
  spearman: z.number().min(-1.000001).max(1.000001).nullable(),
  meanAbsoluteErrorPp: z.number().min(0).nullable(),
  maxAbsoluteErrorPp: z.number().min(0).nullable(),
});

/** Over all of them, and over those that lose less than 10 points. */
const splitErrors = z.strictObject({ all: predictionErrors, mild: predictionErrors });

const additivity = z.strictObject({
  images: positive,
  /** Mean error, in points, that these images would show of a predictor that knows the true losses; all and mild ones. */
  imageNoisePp: z.strictObject({ all: z.number().min(0), mild: z.number().min(0).nullable() }),
  /** By the sum of `deltas.teacher.top1Pp`, of `deltas.average.top1Pp`, and by `predictor`, cross-validated. */
  teacherSum: splitErrors,
  averageSum: splitErrors,
  predictor: splitErrors.nullable(),
  /** From one half of the images to the other, both ways; `measured`: by measuring the composition on the first half. */
  acrossImages: z.strictObject({
    /** Of a half. */
    images: positive,
    teacherSum: splitErrors,
    averageSum: splitErrors,
    predictor: splitErrors.nullable(),
    measured: splitErrors,
  }),
});

/** Points of top-1 lost = `ceilingPp * (1 - exp(-(sum of deltas.average.klIncrease / scale) ^ exponent))`; 0 below 0. */
const predictor = z.strictObject({
  kind: z.literal('kl-curve'),
  parameters: z.strictObject({
    ceilingPp: z.number().positive(),
    scale: z.number().positive(),
    exponent: z.number().positive(),
  }),
  crossValidated: splitErrors,
});

const rankingEntry = z.strictObject({
  id: z.string(),
  block: count,
  overallRank: positive,
  rank: positive,
  tieGroup: positive,
  savedPercent: z.number(),
  lossPpPerPercent: z.number().nullable(),
  dominated: z.boolean(),
  dominatedBy: z.string().nullable(),
});

const split = z.strictObject({ images: count, sha256: digest });

const manifestShape = z.strictObject({
  $schema: z.literal('manifest.schema.json'),
  kind: z.literal('blockforge-library'),
  schemaVersion: z.literal(schemaVersion),
  tool: z.strictObject({ name: z.literal('blockforge'), version: z.string() }),
  seed: count,
  engine: z.strictObject({
    name: z.string(),
    version: z.string(),
    device: z.enum(['cpu', 'gpu']),
    threads: positive,
  }),
  /** The resolved config of the run, without paths of the machine it ran on. */
  config: z.record(z.string(), z.json()),
  confidence: z.number().gt(0).lt(1),
  teacher: z.strictObject({
    /** Of the checkpoint. */
    sha256: digest,
    architecture,
    preprocessing,
    classNames: z.array(z.string()).nullable(),
    params: positive,
    macs: positive,
    accuracy,
  }),
  /** Everything but the FFN blocks: patch embedding, positions, attention, norms, head. */
  frame: file,
  /** Present where the library has graphs: one for the frame, and that of every descendant (`onnx` there). */
  onnx: z
    .strictObject({
      opset: positive,
      irVersion: positive,
      /** `images` [batch, C, S, S] and the weights of one descendant per block, by their names -> `logits`. */
      frame: file,
      /** `profile.mjs`: measures the graphs on a device, with onnxruntime-node alone. */
      profileScript: file.optional(),
    })
    .optional(),
  data: z.strictObject({
    train: split.optional(),
    calibration: split,
    selection: split,
    test: split,
  }),
  latencyProfile: z.strictObject({
    cpuModel: z.string(),
    engine: z.string(),
    device: z.enum(['cpu', 'gpu']),
    threads: positive,
    batchSize: positive,
    tokens: positive,
    warmup: count,
    iterations: positive,
  }),
  blocks: z.array(block).min(1),
  contexts: z.array(context).optional(),
  uniform: z.array(uniform),
  /** Widths chosen block by block: for each sparsity the model that diverges least at no more FFN parameters. */
  allocated: z.array(allocated).optional(),
  additivity: additivity.optional(),
  predictor: predictor.optional(),
  ranking: z.strictObject({
    resource: z.enum(['params', 'macs', 'latency']),
    /** Best first. */
    entries: z.array(rankingEntry),
    json: file,
    csv: file,
  }),
  selfTest: z.strictObject({
    file,
    /** Tensor [vectors, D]: what fc1 receives. The expected output of a descendant has the descendant's id as name. */
    input: z.literal('input'),
    vectors: positive,
    /** |found - expected| <= tolerance * max(1, largest |expected|). */
    tolerance: z.number().positive(),
  }),
});

export const manifestSchema = manifestShape.superRefine(checkReferences);

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestBlock = Manifest['blocks'][number];
export type ManifestDescendant = ManifestBlock['descendants'][number];
export type ManifestFile = Manifest['frame'];

/** The delta that the ranking used: averaged over the contexts. A library of an earlier tool has the teacher's only. */
export function rankedDelta({ deltas }: ManifestDescendant): ManifestDescendant['deltas']['teacher'] {
  return deltas.average ?? deltas.teacher;
}

/** The JSON Schema (draft 2020-12) that is published beside every manifest. */
export function manifestJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(manifestSchema),
    title: `BlockForge library manifest, version ${schemaVersion}`,
  };
}

/** What shapes and types cannot say: names agree with places, references exist, files can hold their weights. */
function checkReferences(manifest: z.infer<typeof manifestShape>, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const { width: blockWidth, depth } = manifest.teacher.architecture;
  const ids = new Set<string>();
  if (manifest.blocks.length !== depth) {
    problem(['blocks'], `expected ${depth} blocks, as the architecture has, found ${manifest.blocks.length}`);
  }
  manifest.blocks.forEach((entry, index) => {
    const name = blockName(index);
    if (entry.index !== index || entry.name !== name)
      problem(['blocks', index, 'name'], `expected block ${index}, "${name}"`);
    entry.descendants.forEach(({ id, width, sparsity, file: { sizeBytes }, onnx, source }, place) => {
      const path = ['blocks', index, 'descendants', place];
      if ((onnx === undefined) !== (manifest.onnx === undefined))
        problem([...path, 'onnx'], 'expected graphs of the frame and of every descendant, or none');
      if (id !== `${name}/${widthName(width)}` || ids.has(id))
        problem([...path, 'id'], `expected its own id, "${name}/w<width>"`);
      ids.add(id);
      if (width > entry.hidden) problem([...path, 'width'], `wider than the teacher's ${entry.hidden} units`);
      if (
        (source === 'teacher') !== (place === 0) ||
        (place === 0 && (sparsity !== 0 || width !== entry.hidden))
      )
        problem([...path, 'source'], `expected the teacher's own block first, and only there`);
      const weightBytes = ffnBytes(blockWidth, width);
      if (sizeBytes < weightBytes || sizeBytes > weightBytes + headerAllowanceBytes)
        problem(
          [...path, 'file', 'sizeBytes'],
          `${width} hidden units of width ${blockWidth} take ${weightBytes} bytes`,
        );
    });
  });
  manifest.ranking.entries.forEach(({ id }, index) => {
    if (!ids.has(id)) problem(['ranking', 'entries', index, 'id'], 'no such descendant in this library');
  });
  for (const kind of ['uniform', 'allocated'] as const) {
    manifest[kind]?.forEach(({ descendants }, index) => {
      if (descendants.length !== depth || descendants.some((id) => !ids.has(id)))
        problem([kind, index, 'descendants'], 'expected one descendant of this library per block');
    });
  }
}

/** The safetensors header of a descendant, with its metadata, stays below this. */
export const headerAllowanceBytes = 4096;

/** Bytes of fc1 and fc2 with biases, float32. */
export function ffnBytes(width: number, hidden: number): number {
  return 4 * (2 * width * hidden + hidden + width);
}
