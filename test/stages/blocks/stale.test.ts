import assert from 'node:assert/strict';
import { allKeyPaths } from '../../../pipeline/config/schema-keys.ts';
import type { JobPlan } from '../../../pipeline/runner/contract.ts';
import { stages } from '../../../pipeline/stages/blocks/graph.ts';
import { blocksSchema } from '../../../pipeline/stages/blocks/schema.ts';
import { resolvePreprocessing } from '../../../datasets/preprocessing.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { planInput } from './plan-input.ts';
import { present } from '../../support/present.ts';

type Settings = { readonly [key: string]: unknown };

/** The stages with a job that runs again when `settings` become others, but `export` and `report`. */
function staleAfter(before: Settings, after: Settings): string {
  const [was, is] = [jobsOf(before), jobsOf(after)];
  const stale = new Set<string>();
  const same = (a: JobPlan | undefined, b: JobPlan) =>
    JSON.stringify([a?.settings, a?.needs, a?.wants, a?.files]) ===
    JSON.stringify([b.settings, b.needs, b.wants, b.files]);
  // Every stage plans behind those it reads from.
  for (const job of is.values()) {
    const reads = [...job.needs, ...(job.wants ?? [])];
    if (!same(was.get(job.id), job) || reads.some((id) => stale.has(id))) stale.add(job.id);
  }
  const names = new Set([...stale].map((id) => id.split('/')[0]!));
  return [...names].filter((name) => name !== 'export' && name !== 'report').join(' ');
}

function jobsOf(settings: Settings): ReadonlyMap<string, JobPlan> {
  const input = planInput(nested(settings), vitBase);
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

const base: Settings = { 'teacher.checkpoint': '/models/teacher.safetensors', 'data.source': 'shapes' };
const teacherInputs: Settings = { ...base, 'inputs.from': 'teacher' };
const polished: Settings = { ...base, 'polish.sparsities': [0.5] };
const trained: Settings = {
  'data.source': 'shapes',
  'teacher.train.architecture': vitBase,
};

const scored = 'measure compositions rank';
const descendants = `refit distill ${scored}`;
const compressed = `statistics order ${descendants}`;
const everything = `data teacher ${compressed}`;

/** What is changed to what; the stages that then run again beside export and report; from what, where not `base`. */
const table: readonly (readonly [path: string, value: unknown, stale: string, from?: Settings])[] = [
  ['method', 'blocks', ''],
  ['name', 'other', ''],
  ['seed', 2, everything],
  // Not a setting of any job: the runner puts the engine's name into every fingerprint of one that computes.
  ['engine', 'wasm', ''],
  // What is behind these is in the fingerprint: the architecture, the preprocessing, the files by content.
  ['teacher.checkpoint', '/elsewhere/teacher.safetensors', ''],
  ['teacher.architecture', 'vit_base_patch16_224', ''],
  ['teacher.hints', { heads: 6 }, `teacher ${compressed}`],
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
  ['data.path', '/elsewhere', ''],
  // The images that links lead to are seen in the listing.
  ['data.followLinks', true, ''],
  ['data.preprocessing', 'unit', `teacher ${compressed}`],
  ['data.splits.calibration', 100, everything],
  ['data.splits.selection', 100, everything],
  ['data.splits.test', 100, everything],
  ['data.maxCorruptShare', 0.5, everything],
  ['data.cacheBytes', 5, ''],
  ['data.shapes', { images: 500 }, everything],
  ['measure.batchSize', 3, ''],
  // The teacher is checked with it, and nothing begins before that.
  ['measure.confidence', 0.9, `teacher ${compressed}`],
  ['measure.shards', 2, scored],
  ['measure.contexts', ['teacher'], scored],
  ['measure.compositions', 3, 'compositions rank'],
  ['measure.latency', { iterations: 3 }, 'profile rank'],
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
  ['inputs.composedShare', 0.3, '', teacherInputs],
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
  ['descendants.sparsities', [0.5], 'refit distill measure compositions profile rank'],
  ['descendants.widthMultiple', 16, 'refit distill measure compositions profile rank'],
  ['polish.sparsities', [0.5], 'polish'],
  ['polish.steps', 3, ''],
  ['polish.steps', 3, 'polish', polished],
  ['polish.batchSize', 3, 'polish', polished],
  ['polish.learningRate', 0.5, 'polish', polished],
  ['polish.warmupShare', 0.5, 'polish', polished],
  ['polish.weightDecay', 0.5, 'polish', polished],
  ['polish.hiddenWeight', 0.5, 'polish', polished],
  ['rank.resource', 'macs', 'rank'],
  ['export.forms', [], ''],
];

describe('what runs again when a setting changes', () => {
  for (const [path, value, stale, from = base] of table) {
    const where = from === base ? '' : ` (from another ${from === trained ? 'teacher' : 'start'})`;
    it(`${path}: ${stale === '' ? 'export and report alone' : stale}${where}`, () => {
      assert.equal(staleAfter(from, { ...from, [path]: value }), stale);
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
