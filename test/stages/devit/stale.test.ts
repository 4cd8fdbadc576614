import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allKeyPaths } from '../../../pipeline/config/schema-keys.ts';
import { stages } from '../../../pipeline/stages/devit/graph.ts';
import { devitSchema } from '../../../pipeline/stages/devit/schema.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { staleStages, type Settings } from '../stale-stages.ts';
import { planInput } from './plan-input.ts';
import { operation } from '../operation-rows.ts';

const staleAfter = staleStages(stages, (config) => planInput(config));

const folder = mkdtempSync(join(tmpdir(), 'blockforge-subsets-'));
const subsets = join(folder, 'subsets.txt');
writeFileSync(subsets, 'A\nB\n');

const base: Settings = {
  'teacher.checkpoint': '/models/teacher.safetensors',
  'data.source': 'shapes',
  subteachers: 'fine-tuned',
  devices: 2,
};
const digits: Settings = { ...base, 'data.source': 'products' };
const trained: Settings = { ...base, 'teacher.checkpoint': undefined, 'teacher.train.architecture': vitBase };
const fleets: Settings = { ...base, devices: undefined, fleets: [{ devices: 2 }] };
const restricted: Settings = { ...base, subteachers: 'restricted' };
const frozen: Settings = { ...base, 'ensemble.train': 'frozen' };
const policy: Settings = { ...base, 'slice.by': 'policy', 'submodel.macs': 0.6 };

const fused = 'fuse package report';
const joined = `ensemble ${fused}`;
const retrained = `train ${joined}`;
const cut = 'slice train ensemble fuse profile package report';
const taught = `teach ${cut}`;
const divided = `partition ${taught}`;
const told = `targets ${divided}`;
const everything = `data teacher ${told}`;

/** What is changed to what; the stages that then run again; from what, where not `base`. */
const table: readonly (readonly [path: string, value: unknown, stale: string, from?: Settings])[] = [
  ['method', 'devit', ''],
  ['name', 'other', ''],
  ...operation,
  ['seed', 2, everything],
  ['engine', 'wasm', ''],
  ['precision', 'float32', ''],
  // What is behind these is in the fingerprint: the architecture, the preprocessing, the files by content.
  ['teacher.checkpoint', '/elsewhere/teacher.safetensors', ''],
  ['teacher.architecture', 'vit_base_patch16_224', ''],
  ['teacher.labels', '/labels.txt', ''],
  ['teacher.head', { train: true }, `teacher ${told}`],
  ['teacher.textEmbeddings', '/text.safetensors', ''],
  ['teacher.hints', { heads: 12 }, `teacher ${told}`],
  ['teacher.names', { norm: 'end' }, `teacher ${told}`],
  ['teacher.train', { architecture: vitBase, epochs: 3 }, `teacher ${told}`, trained],
  ['data.source', 'idx', everything],
  ['data.path', '/moved', ''],
  ['data.followLinks', true, ''],
  ['data.preprocessing', 'imagenet', `teacher ${told}`],
  ['data.classOrder', 'numbers', ''],
  ['data.classFile', '/order.txt', ''],
  ['data.classes', '/classes.txt', ''],
  ['data.splits.calibration', 41, `data ${told}`],
  ['data.splits.selection', 31, `data teacher ${told}`],
  ['data.splits.test', 21, 'data report'],
  ['data.maxCorruptShare', 0.5, 'data'],
  ['data.cacheBytes', 2e9, ''],
  ['data.shapes', { images: 7000 }, everything],
  ['data.products', { images: 7000 }, everything, digits],
  ['devices', 3, divided],
  ['fleets', [{ devices: 2 }, { devices: 3 }], divided, fleets],
  ['submodel.macs', 0.2, cut],
  ['submodel.size', 0.2, cut],
  ['partition.by', 'confused-together', divided],
  ['partition', { by: 'file', file: subsets }, divided],
  ['baselines', ['device'], 'report'],
  ['subteachers', 'restricted', cut],
  ['teach.duration', { steps: 7 }, taught],
  ['teach.learningRate', 0.5, taught],
  ['teach.batchSize', 7, taught],
  ['teach.warmup', { epochs: 2 }, taught],
  ['teach.warmupShare', 0.5, taught],
  ['teach.floor', 1e-6, taught],
  ['teach.clip', null, taught],
  ['teach.weightDecay', 0.5, taught],
  ['teach.microBatch', 7, taught],
  ['teach.otherFactor', 7, taught],
  ['teach.averaging', 0.99, taught],
  ['teach.augment', { mixup: 0.8 }, taught],
  ['teach.learningRate', 0.5, '', restricted],
  ['students', [{ checkpoint: '/models/small' }], cut],
  ['students', [{ architecture: { width: 96, depth: 6, heads: 3, hidden: 384 } }], cut],
  ['slice.by', 'policy', cut, { ...base, 'submodel.macs': 0.6 }],
  ['slice.policy', { images: 7 }, cut, policy],
  ['slice.criterion', 'magnitude', cut],
  ['slice.refit', [], cut],
  ['slice.ridge', 0.5, cut],
  ['slice.images', 7, cut],
  ['slice.gradientImages', 7, cut],
  ['slice.widthMultiple', 4, cut],
  ['slice.search', { shapes: 7 }, cut],
  ['slice.kl', { groups: 7 }, cut],
  ['train.heldOut', 0.2, taught],
  ['train.enabled', false, retrained],
  ['train.duration', { steps: 7 }, retrained],
  ['train.batchSize', 7, retrained],
  ['train.learningRate', 0.5, retrained],
  ['train.warmupShare', 0.5, retrained],
  ['train.warmup', { epochs: 2 }, retrained],
  ['train.floor', 1e-6, retrained],
  ['train.clip', null, retrained],
  ['train.weightDecay', 0.5, retrained],
  ['train.microBatch', 7, retrained],
  ['train.otherFactor', 7, retrained],
  ['train.temperature', 3, retrained],
  ['train.weights', { relations: { q: 0, k: 0, v: 0 } }, retrained],
  ['train.averaging', 0.99, retrained],
  ['train.augment', { cropPadding: 1 }, retrained],
  // A model to compare with is trained as long as the sub-models are, alone and together.
  ['ensemble.train', 'frozen', `train ${fused}`],
  ['ensemble.duration', { steps: 7 }, `train ${joined}`],
  ['ensemble.batchSize', 7, joined],
  ['ensemble.learningRate', 0.5, joined],
  ['ensemble.warmupShare', 0.5, joined],
  ['ensemble.warmup', { epochs: 2 }, joined],
  ['ensemble.floor', 1e-6, joined],
  ['ensemble.clip', null, joined],
  ['ensemble.weightDecay', 0.5, joined],
  ['ensemble.averaging', 0.99, joined],
  ['ensemble.augment', { mixup: 0.8 }, joined],
  ['ensemble.absence', 0.5, joined],
  ['ensemble.weights', { tokens: 7 }, joined],
  ['ensemble.duration', { steps: 7 }, '', frozen],
  ['fusion.heads', ['ridge'], fused],
  ['fusion.ridges', [0.5], joined],
  ['fusion.tower', { layers: 1 }, fused],
  ['fusion.tokens', { epochs: 1 }, fused],
  ['energy.perMacJ', 1e-9, 'report'],
  ['energy.perByteJ', 1e-9, 'report'],
  ['measure.batchSize', 7, ''],
  ['measure.confidence', 0.9, 'teacher report'],
  ['measure.latency', { iterations: 7 }, 'profile package report'],
];

describe('what runs again of devit when a setting changes', () => {
  after(() => rmSync(folder, { recursive: true }));

  for (const [path, value, stale, from = base] of table) {
    it(`${path}: ${stale}${from === base ? '' : ' (from another start)'}`, async () => {
      assert.equal(await staleAfter(from, { ...from, [path]: value }), stale);
    });
  }

  it('is told here of every setting there is', () => {
    const paths = table.map(([path]) => path);
    const missing = allKeyPaths(devitSchema)
      .map((path) => path.join('.'))
      .filter(
        (path) => !paths.some((known) => `${known}.`.startsWith(`${path}.`) || path.startsWith(`${known}.`)),
      );
    assert.deepEqual(missing, []);
  });
});
