import assert from 'node:assert/strict';
import { allKeyPaths } from '../../../pipeline/config/schema-keys.ts';
import { stages } from '../../../pipeline/stages/blocks/graph.ts';
import { blocksSchema } from '../../../pipeline/stages/blocks/schema.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { staleStages, type Settings } from '../stale-stages.ts';
import { planInput } from './plan-input.ts';
import { operation } from '../operation-rows.ts';

const staleAfter = staleStages(stages, (config) => planInput(config, vitBase));

const base: Settings = { 'teacher.checkpoint': '/models/teacher.safetensors', 'data.source': 'shapes' };
const digits: Settings = { ...base, 'data.source': 'products' };
const teacherInputs: Settings = { ...base, 'inputs.from': 'teacher' };
const polished: Settings = { ...base, 'polish.sparsities': [0.5] };
const onTraining: Settings = { ...base, 'data.splits.selection': { images: 30, from: 'train' } };
const headed: Settings = { ...base, 'teacher.head': { train: true } };
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
  ...operation,
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
  ['teacher.names', { norm: 'end' }, `teacher ${compressed}`],
  // What the classes come to is in the fingerprints: the next table.
  ['teacher.labels', '/elsewhere/labels.txt', library],
  ['teacher.head', 'none', `teacher ${compressed}`],
  ['teacher.head', 'projection', `teacher ${compressed}`],
  ['teacher.head', { train: true }, `teacher ${compressed}`],
  ['teacher.head', { train: true, ridge: 0.1 }, `teacher ${compressed}`, headed],
  // Its content is in the fingerprint of the index.
  ['teacher.textEmbeddings', '/elsewhere/text.safetensors', library],
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
  ['data.products', { images: 500 }, everything, digits],
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
  ['inputs.from', 'teacher', descendants],
  ['inputs.composedShare', 0.3, descendants],
  ['inputs.composedShare', 0.3, library, teacherInputs],
  ['inputs.images', 3, descendants],
  // As many jobs as before: what is computed again in place of being kept is the same.
  ['inputs.diskGB', 40, library],
  ['refit.method', 'none', descendants],
  ['distill.enabled', false, `distill ${scored}`],
  ['distill.duration', { steps: 3 }, `distill ${scored}`],
  ['distill.batchSize', 3, `distill ${scored}`],
  ['distill.optimizer', 'adam', `distill ${scored}`],
  ['distill.learningRate', 0.5, `distill ${scored}`],
  ['distill.schedule', 'constant', `distill ${scored}`],
  ['distill.warmupShare', 0.5, `distill ${scored}`],
  ['distill.weightDecay', 0.5, `distill ${scored}`],
  ['distill.loss', 'mse', `distill ${scored}`],
  ['distill.lookahead', 1, `distill ${scored}`],
  ['distill.klWeight', 0, `distill ${scored}`],
  ['distill.earlyStop', { patience: 2 }, `distill ${scored}`],
  ['descendants.sparsities', [0.5], widths],
  ['descendants.widthMultiple', 16, widths],
  ['descendants.shards', 2, descendants],
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
  ['report.examples', 0, library],
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
