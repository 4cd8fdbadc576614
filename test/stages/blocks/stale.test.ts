import assert from 'node:assert/strict';
import { allKeyPaths } from '../../../pipeline/config/schema-keys.ts';
import type { JobPlan } from '../../../pipeline/runner/contract.ts';
import { splitNames } from '../../../datasets/contract.ts';
import { createPreparer } from '../../../datasets/prepare.ts';
import { makeSplits } from '../../../datasets/splits.ts';
import { commonFiles, splitFile, splitsJob } from '../../../pipeline/stages/common/artefacts.ts';
import { stages } from '../../../pipeline/stages/blocks/graph.ts';
import { blocksSchema, type BlocksConfig, type BlocksInput } from '../../../pipeline/stages/blocks/schema.ts';
import { resolvePreprocessing } from '../../../datasets/preprocessing.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { memorySource, plain } from '../../datasets/fakes.ts';
import { planInput } from './plan-input.ts';
import { present } from '../../support/present.ts';

type Settings = { readonly [key: string]: unknown };

/**
 * The stages with a job that runs again when `settings` become others. A job that does writes other contents, but for the
 * data stage: which of its files change is found by drawing.
 */
async function staleAfter(before: Settings, after: Settings): Promise<string> {
  const [was, is] = [jobsOf(before), jobsOf(after)];
  const stale = new Set<string>();
  const same = (a: JobPlan | undefined, b: JobPlan) =>
    JSON.stringify([a?.settings, a?.needs, a?.wants, a?.files]) ===
    JSON.stringify([b.settings, b.needs, b.wants, b.files]);
  const drawn = same(was.get(splitsJob), present(is.get(splitsJob)))
    ? []
    : await changedSplits(before, after);
  const isOther = (job: JobPlan, id: string) => {
    const files = job.reads?.[id];
    if (!stale.has(id) || files?.length === 0) return false;
    return id !== splitsJob || files === undefined || files.some((file) => drawn.includes(file));
  };
  // Every stage plans behind those it reads from.
  for (const job of is.values()) {
    const reads = [...job.needs, ...(job.wants ?? [])];
    if (!same(was.get(job.id), job) || reads.some((id) => isOther(job, id))) stale.add(job.id);
  }
  return [...new Set([...stale].map((id) => id.split('/')[0]))].join(' ');
}

/** The files of the data stage that differ, of images of three parts (`idx`: one) some of which cannot be used. */
async function changedSplits(before: Settings, after: Settings): Promise<string[]> {
  const draw = async (settings: Settings): Promise<Record<string, unknown>> => {
    const { loaded } = inputOf(settings);
    const { data, seed, teacher } = loaded.config;
    const { splits, maxCorruptShare } = data;
    const needTrain = teacher.train !== undefined;
    const source = sourceOf(data);
    const preparer = createPreparer(source, plain);
    const made = await makeSplits(source, { splits, maxCorruptShare }, { seed, needTrain, preparer });
    return {
      [commonFiles.classes]: made.classes,
      [commonFiles.sources]: made.sources,
      [commonFiles.skipped]: made.skipped,
      ...Object.fromEntries(splitNames.map((name) => [splitFile(name), made.items[name]])),
    };
  };
  const [was, is] = [await draw(before), await draw(after)];
  return Object.keys(is).filter((file) => JSON.stringify(was[file]) !== JSON.stringify(is[file]));
}

const sourceOf = ({ source, shapes }: BlocksConfig['data']) =>
  memorySource(
    (['train', 'val', 'test'] as const).flatMap((origin, part) =>
      Array.from({ length: 100 }, (_, i) => ({
        id: `${origin}/${i}`,
        label: i % 10,
        origin: source === 'idx' ? 'all' : origin,
        content:
          i === 7 ? `broken ${part}` : i + 1e3 * part + 1e4 * shapes.images + (source === 'folder' ? 500 : 0),
      })),
    ),
  );

function inputOf(settings: Settings): BlocksInput {
  return planInput(nested({ ...small, ...settings }), vitBase);
}

function jobsOf(settings: Settings): ReadonlyMap<string, JobPlan> {
  const input = inputOf(settings);
  const { config } = input.loaded;
  const preprocessing = resolvePreprocessing(config.data.preprocessing, {
    imageSize: 224,
    channels: 3,
    recommended: undefined,
  });
  const planned = { ...input, inputs: { ...input.inputs, preprocessing } };
  return new Map(stages.flatMap((stage) => stage.plan(planned)).map((job) => [job.id, job]));
}

/** `{ 'a.b': 1 }` -> `{ a: { b: 1 } }` */
function nested(settings: Settings): object {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    const keys = path.split('.');
    let inside = root;
    for (const key of keys.slice(0, -1)) inside = (inside[key] ??= {}) as Record<string, unknown>;
    inside[present(keys.at(-1))] = value;
  }
  return root;
}

const small: Settings = {
  'data.splits.calibration': 40,
  'data.splits.selection': 30,
  'data.splits.test': 20,
  'data.maxCorruptShare': 0.2,
};
const base: Settings = { 'teacher.checkpoint': '/models/teacher.safetensors', 'data.source': 'shapes' };
const teacherInputs: Settings = { ...base, 'inputs.from': 'teacher' };
const polished: Settings = { ...base, 'polish.sparsities': [0.5] };
const onTraining: Settings = { ...base, 'data.splits.selection': { images: 30, from: 'train' } };
const onePart: Settings = { ...base, 'data.source': 'idx' };
const trained: Settings = {
  'data.source': 'shapes',
  'teacher.train.architecture': vitBase,
};

const library = 'export report';
const scored = `measure compositions rank ${library}`;
const descendants = `refit distill ${scored}`;
const compressed = `statistics order ${descendants}`;
const everything = `data teacher ${compressed}`;
/** All but the steps that do not look at widths. */
const widths = `refit distill measure compositions profile rank ${library}`;

/** What is changed to what; the stages that then run again; from what, where not `base`. The library holds the whole config. */
const table: readonly (readonly [path: string, value: unknown, stale: string, from?: Settings])[] = [
  ['method', 'blocks', ''],
  ['name', 'other', library],
  ['seed', 2, everything],
  // Not a setting of any job: the runner puts the engine's name into every fingerprint of one that computes.
  ['engine', 'wasm', library],
  ['precision', 'float32', `distill ${scored}`],
  ['precision', 'bfloat16', `distill ${scored}`],
  ['precision', 'float32', library, { ...base, 'distill.enabled': false }],
  // What is behind these is in the fingerprint: the architecture, the preprocessing, the files by content.
  ['teacher.checkpoint', '/elsewhere/teacher.safetensors', library],
  ['teacher.architecture', 'vit_base_patch16_224', library],
  ['teacher.hints', { heads: 6 }, `teacher ${compressed}`],
  // What the classes come to is in the fingerprints: the next table.
  ['teacher.labels', '/elsewhere/labels.txt', library],
  ['teacher.train.architecture', { ...vitBase, depth: 3 }, `teacher ${compressed}`, trained],
  ['teacher.train.epochs', 3, `teacher ${compressed}`, trained],
  ['teacher.train.batchSize', 3, `teacher ${compressed}`, trained],
  ['teacher.train.learningRate', 0.5, `teacher ${compressed}`, trained],
  ['teacher.train.weightDecay', 0.5, `teacher ${compressed}`, trained],
  ['teacher.train.warmupEpochs', 3, `teacher ${compressed}`, trained],
  ['teacher.train.labelSmoothing', 0.5, `teacher ${compressed}`, trained],
  ['teacher.train.augment', { flip: true }, `teacher ${compressed}`, trained],
  ['teacher.train.heldOut', 0.2, `teacher ${compressed}`, trained],
  ['data.source', 'folder', everything],
  ['data.path', '/elsewhere', library],
  // The images that links lead to are seen in the listing.
  ['data.followLinks', true, library],
  ['data.preprocessing', 'unit', `teacher ${compressed}`],
  ['data.classOrder', 'natural', library],
  ['data.classFile', '/elsewhere/classes.txt', library],
  ['data.classes', ['a', 'b'], library],
  // Splits are files of their own: whoever reads one does not depend on the others.
  ['data.splits.calibration', 50, `data ${compressed}`],
  ['data.splits.selection', 50, `data teacher ${scored}`],
  // Calibration is drawn from what selection leaves of the same part.
  ['data.splits.selection', { images: 30, from: 'train' }, `data teacher ${compressed}`],
  // Draws the same images.
  ['data.splits.selection', { images: 30, from: 'val' }, `data ${library}`],
  ['data.splits.selection', { images: 30, from: 'train', unseen: true }, `data ${library}`, onTraining],
  ['data.splits.test', 30, `data ${library}`],
  ['data.splits.test', 30, `data ${library}`, trained],
  ['data.splits.test', 30, `data ${library}`, onePart],
  ['data.maxCorruptShare', 0.5, `data ${library}`],
  ['data.cacheBytes', 5, library],
  ['data.shapes', { images: 500 }, everything],
  ['measure.batchSize', 3, library],
  // The teacher is checked with it, and nothing begins before that; but that it passed is all that matters.
  ['measure.confidence', 0.9, `teacher rank ${library}`],
  ['measure.confidence', 0.9, `teacher polish rank ${library}`, polished],
  ['measure.shards', 2, scored],
  ['measure.contexts', ['teacher'], scored],
  ['measure.compositions', 3, `compositions rank ${library}`],
  ['measure.latency', { iterations: 3 }, `profile rank ${library}`],
  ['statistics.batchSize', 3, compressed],
  ['statistics.tokensPerImage', 3, compressed],
  ['statistics.tokenWeights', 'uniform', compressed],
  ['statistics.heldOut', 0.2, compressed],
  ['statistics.shards', 2, compressed],
  ['order.criterion', 'variance', `order ${descendants}`],
  // One that asks more of the calibration images than the statistics.
  ['order.criterion', 'taylor', compressed],
  ['order.ridge', 1, `order ${descendants}`],
  ['inputs.from', 'teacher', compressed],
  ['inputs.composedShare', 0.3, descendants],
  ['inputs.composedShare', 0.3, library, teacherInputs],
  ['inputs.images', 3, descendants],
  ['refit.method', 'none', descendants],
  ['distill.enabled', false, `distill ${scored}`],
  ['distill.duration', { steps: 3 }, `distill ${scored}`],
  ['distill.batchTokens', 3, `distill ${scored}`],
  ['distill.optimizer', 'adam', `distill ${scored}`],
  ['distill.learningRate', 0.5, `distill ${scored}`],
  ['distill.schedule', 'constant', `distill ${scored}`],
  ['distill.warmupShare', 0.5, `distill ${scored}`],
  ['distill.weightDecay', 0.5, `distill ${scored}`],
  ['distill.loss', 'mse', `distill ${scored}`],
  ['distill.earlyStop', { patience: 2 }, `distill ${scored}`],
  ['descendants.sparsities', [0.5], widths],
  ['descendants.widthMultiple', 16, widths],
  ['polish.sparsities', [0.5], `polish ${library}`],
  ['polish.steps', 3, library],
  ['polish.steps', 3, `polish ${library}`, polished],
  ['polish.batchSize', 3, `polish ${library}`, polished],
  ['polish.learningRate', 0.5, `polish ${library}`, polished],
  ['polish.warmupShare', 0.5, `polish ${library}`, polished],
  ['polish.weightDecay', 0.5, `polish ${library}`, polished],
  ['polish.hiddenWeight', 0.5, `polish ${library}`, polished],
  ['rank.resource', 'macs', `rank ${library}`],
  ['export.forms', [], library],
];

describe('what runs again when a setting changes', () => {
  for (const [path, value, stale, from = base] of table) {
    const where = from === base ? '' : ` (from another ${from === trained ? 'teacher' : 'start'})`;
    it(`${path}: ${stale}${where}`, async () => {
      assert.equal(await staleAfter(from, { ...from, [path]: value }), stale);
    });
  }

  it('is told here of every setting there is', () => {
    const told = table.map(([path]) => path);
    const missing = allKeyPaths(blocksSchema)
      .map((path) => path.join('.'))
      .filter(
        (path) => !told.some((known) => `${known}.`.startsWith(`${path}.`) || path.startsWith(`${known}.`)),
      );
    assert.deepEqual(missing, []);
  });
});
