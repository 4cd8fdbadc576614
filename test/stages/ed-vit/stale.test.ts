import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allKeyPaths } from '../../../pipeline/config/schema-keys.ts';
import { stages } from '../../../pipeline/stages/ed-vit/graph.ts';
import { edVitSchema } from '../../../pipeline/stages/ed-vit/schema.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { staleStages, type Settings } from '../stale-stages.ts';
import { planInput } from '../fleets/plan-input.ts';
import { operation } from '../operation-rows.ts';

const staleAfter = staleStages(stages, (config) => planInput(config));

const folder = mkdtempSync(join(tmpdir(), 'blockforge-subsets-'));
const subsets = join(folder, 'subsets.txt');
writeFileSync(subsets, 'A\nB\n');

const base: Settings = {
  'teacher.checkpoint': '/models/teacher.safetensors',
  'data.source': 'shapes',
  devices: 2,
};
const digits: Settings = { ...base, 'data.source': 'products' };
const trained: Settings = { ...base, 'teacher.checkpoint': undefined, 'teacher.train.architecture': vitBase };
const fleets: Settings = { ...base, devices: undefined, fleets: [{ devices: 2 }] };
const roomy: Settings = { ...base, 'submodel.macs': 0.7 };
const onePart: Settings = { ...base, 'data.source': 'idx' };

const fused = 'fuse package report';
const retrained = `train ${fused}`;
const cut = 'slice train fuse profile package report';
const divided = `partition ${cut}`;
const told = `targets ${divided}`;
const everything = `data teacher ${told}`;

/** What is changed to what; the stages that then run again; from what, where not `base`. */
const table: readonly (readonly [path: string, value: unknown, stale: string, from?: Settings])[] = [
  ['method', 'ed-vit', ''],
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
  ['slice.by', 'policy', cut, roomy],
  ['slice.policy', { policies: 7 }, cut],
  ['slice.criterion', 'magnitude', cut],
  ['slice.refit', [], cut],
  ['slice.ridge', 0.5, cut],
  ['slice.images', 7, cut],
  ['slice.gradientImages', 7, cut],
  ['slice.widthMultiple', 4, cut],
  ['slice.search', { shapes: 7 }, cut],
  ['slice.kl', { groups: 7 }, cut],
  ['train.heldOut', 0.2, cut],
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
  ['train.weights', { labels: 1 }, retrained],
  ['train.averaging', 0.99, retrained],
  ['train.augment', { cropPadding: 1 }, retrained],
  ['fusion.heads', ['ridge'], fused],
  ['fusion.ridges', [0.5], fused],
  ['fusion.tower', { layers: 1 }, fused],
  ['fusion.tokens', { epochs: 1 }, fused],
  ['measure.batchSize', 7, ''],
  ['measure.confidence', 0.9, 'teacher report'],
  ['measure.latency', { iterations: 7 }, 'profile package report'],
];

describe('what runs again of ed-vit when a setting changes', () => {
  after(() => rmSync(folder, { recursive: true }));

  for (const [path, value, stale, from = base] of table) {
    it(`${path}: ${stale}${from === base ? '' : ' (from another start)'}`, async () => {
      assert.equal(await staleAfter(from, { ...from, [path]: value }), stale);
    });
  }

  it('draws what it reads of one part, too', async () => {
    assert.equal(await staleAfter(onePart, { ...onePart, 'data.splits.test': 21 }), 'data report');
  });

  it('never chooses a policy by test images', async () => {
    const shrunk: Settings = { ...roomy, 'slice.by': 'policy' };
    assert.equal(await staleAfter(shrunk, { ...shrunk, 'data.splits.test': 21 }), 'data report');
  });

  it('is told here of every setting there is', () => {
    const paths = table.map(([path]) => path);
    const missing = allKeyPaths(edVitSchema)
      .map((path) => path.join('.'))
      .filter(
        (path) => !paths.some((known) => `${known}.`.startsWith(`${path}.`) || path.startsWith(`${known}.`)),
      );
    assert.deepEqual(missing, []);
  });
});
