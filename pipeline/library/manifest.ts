import { z } from 'zod';
import { blockName, ffnExtents, widthName } from '../model/architecture.ts';
import type { RankedDescendant } from '../measure/descendant.ts';
import { additivity, allocated, context, predictor, uniform } from './manifest-models.ts';
import {
  accuracy,
  count,
  delta,
  digest,
  ffnBytes,
  file,
  hasSizes,
  headerAllowanceBytes,
  interval,
  positive,
  preprocessing,
  share,
  teacherArchitecture,
} from './manifest-parts.ts';

/**
 * The library's contract: `manifest.json`, version 1. Strict: an unknown key is an error, so a reader never passes
 * over something that matters. What a published version does not have raises `schemaVersion`; until the first release,
 * version 1 grows by optional members only.
 *
 * Units are in the names (`Pp` percentage points, `Percent`, `Ms`, `Bytes`); KL is in nats (of features it is 1 - cos: `teacher.measure`), errors and sparsity are
 * shares. Parameters, MACs and latencies of a descendant are those of its FFN block alone (fc1, GELU, fc2), MACs and
 * latency for one image or one batch as `latencyProfile` says. Intervals are two-sided at `confidence`.
 */
export const schemaVersion = 1;

/** The parts of the record of a descendant (`pipeline/measure/descendant.ts` says what they are). */
const record = {
  id: z.string().regex(/^block-\d{2,}\/w\d{4,}$/, 'expected e.g. "block-03/w0384"'),
  width: positive,
  sparsity: share,
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
  predictedError: z.number().nullable(),
  heldOutError: z.strictObject({ refit: z.number(), final: z.number() }).nullable(),
  refitStandardError: z.number().min(0).optional(),
  gainOverRefit: z.number().nullable(),
  source: z.enum(['teacher', 'refit', 'distilled']),
  /** Unknown of older libraries, and where there was no training. */
  precision: z.enum(['float32', 'bfloat16']).optional(),
  rank: count,
  dominated: z.boolean(),
} satisfies Record<keyof RankedDescendant, z.ZodType>;

const descendant = z.strictObject({
  ...record,
  /** Member of the block's `keptUnits` file that lists the teacher's hidden units behind the columns of fc1. */
  keptUnitsKey: z.string(),
  /** Its weights by timm's names, `blocks.3.mlp.fc1.weight`. */
  file,
  /** Its graph: `tokens` [rows, D] -> `output` [rows, D]. The weights are those of `file`, by reference. */
  onnx: file.optional(),
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
const drawn = split.extend({
  /** The part of the data that the images are from; unknown to older libraries. */
  from: z.enum(['train', 'val', 'test', 'all']).optional(),
  /** Selection and test: the teacher may have been trained on these images, which flatters every number on them. */
  mayBeTrainedOn: z.literal(true).optional(),
});

const used = { training: positive, heldOut: positive };
/** `FittedOn`: what order, refit and distillation really looked at; unknown to older libraries. */
const fitted = z.strictObject({
  calibration: positive,
  statistics: z.strictObject(used),
  refit: z.strictObject(used),
  distill: z
    .strictObject({ ...used, steps: z.strictObject({ least: positive, most: positive }).nullable() })
    .nullable(),
});

/**
 * What stands behind every top-1 and `kl` of models that answer with features; absent of classifiers. `index` holds features [n, F] of
 * length 1 and labels [n]. k-nn: of the teacher's, of calibration images; the neighbours by cosine vote with weights exp(cos / temperature).
 * zero-shot: embeddings of the classes' names; the nearest by cosine. `kl` is then 1 - cos to the teacher's feature.
 */
const measure = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('k-nn'),
    index: file,
    neighbours: positive,
    temperature: z.number().positive(),
  }),
  z.strictObject({ kind: z.literal('zero-shot'), index: file }),
]);

/** A linear head that the run fitted to the labels of calibration images; ridge and temperature were chosen by those held out. */
const fittedHead = z.strictObject({
  images: positive,
  /** Top-1 of the head that did not see them. */
  heldOut: z.strictObject({ images: positive, top1Percent: interval }),
  ridge: z.number().min(0),
  temperature: z.number().positive(),
});

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
    /** Of the file of the teacher's weights in the run. */
    sha256: digest,
    architecture: teacherArchitecture,
    preprocessing,
    /** What people call the classes, in the order of the logits. */
    classNames: z.array(z.string()).nullable(),
    /** What the data calls them, e.g. its folders, where that is not the same. */
    classFolders: z.array(z.string()).optional(),
    /** Present where the model is a part of a teacher: its logits are those of some classes. */
    subset: z
      .strictObject({
        /** Classes of the whole teacher. */
        of: positive,
        /** Place of each class among them, ascending. */
        indices: z.array(count),
        /** Of the whole teacher on the images of `accuracy`: right among all classes. */
        unrestrictedTop1Percent: interval,
      })
      .optional(),
    params: positive,
    macs: positive,
    measure: measure.optional(),
    /** Absent where the head is the checkpoint's own. */
    fittedHead: fittedHead.optional(),
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
    calibration: drawn,
    selection: drawn,
    test: drawn,
  }),
  fitted: fitted.optional(),
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
    /** Tensor [vectors, D]: what fc1 receives; a block of a narrower stream gets the first columns. The expected output of a descendant has the descendant's id as name. */
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
  const { architecture, measure } = manifest.teacher;
  const { depth, answer } = architecture;
  if (!hasSizes(architecture)) return;
  if ((answer === undefined) !== (measure === undefined))
    problem(['teacher', 'measure'], 'expected of a model that answers with features, and of no other');
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
      const extents = ffnExtents(architecture, Math.min(index, depth - 1), width);
      const weightBytes = ffnBytes(extents);
      if (sizeBytes < weightBytes || sizeBytes > weightBytes + headerAllowanceBytes)
        problem(
          [...path, 'file', 'sizeBytes'],
          `${width} hidden units of width ${extents.width} take ${weightBytes} bytes`,
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
