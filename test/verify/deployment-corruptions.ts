import { cp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceManifest } from '../../pipeline/deployment/device-manifest.ts';
import type { NamedArrays } from '../../pipeline/model/safetensors.ts';
import { rewriteManifest, rewriteTensors, seal } from '../deployment/damage.ts';
import { exchange, flipBit, vouchFor } from '../library/damage.ts';
import { present } from '../support/present.ts';

export const kitchen = 'devices/pi-kitchen';
export const jetson = 'devices/jetson';
export const coordinator = 'coordinator';

/** What is done to a copy of a folder, and everything that must be found in it then. */
export interface Corruption {
  readonly title: string;
  readonly damage: (path: string) => Promise<unknown>;
  readonly expected: readonly (readonly [file: string, words: RegExp])[];
}

const value = (tensors: NamedArrays, name: string): Float32Array =>
  present(tensors[name], name).data as Float32Array;
const tensors =
  (file: string, change: (tensors: NamedArrays) => unknown): Corruption['damage'] =>
  (path) =>
    rewriteTensors(path, file, change);

const weights = 'submodel-01.safetensors';
const graph = 'submodel-01.onnx';
const test = 'self-test.safetensors';

/** To the package of the device jetson, with one sub-model. What is looked for inside its files, its manifest vouches for. */
export const deviceCorruptions: readonly Corruption[] = [
  {
    title: 'a bit of a weight has turned',
    damage: (path) => flipBit(join(path, weights), -1),
    expected: [[weights, /content has changed; expected sha256/]],
  },
  {
    title: 'a graph is missing',
    damage: (path) => rm(join(path, graph)),
    expected: [[graph, /no such file/]],
  },
  {
    title: 'a self-test is cut',
    damage: (path) => truncate(join(path, test), 40),
    expected: [[test, /40 bytes; expected \d+ bytes/]],
  },
  {
    title: 'a graph and its weights are exchanged',
    damage: (path) => exchange(path, graph, weights),
    expected: [
      [graph, /it holds submodel-01.safetensors/],
      [weights, /it holds submodel-01.onnx/],
    ],
  },
  {
    title: 'a file is a link out of its package',
    damage: async (path) => {
      await cp(join(path, weights), join(path, '..', 'outside'));
      await rm(join(path, weights));
      await symlink(join(path, '..', 'outside'), join(path, weights));
    },
    expected: [[weights, /a link that leaves the folder/]],
  },
  {
    title: 'a weight is another number',
    damage: tensors(weights, (all) => (value(all, 'patch_embed.proj.bias')[1]! += 1)),
    expected: [
      [weights, /features of the engine differ from the recorded ones/],
      [graph, /features of ONNX Runtime differ/],
    ],
  },
  {
    title: 'a weight is not a number',
    damage: tensors(weights, (all) => (value(all, 'head.weight')[2] = NaN)),
    expected: [[weights, /head.weight: NaN at index 2/]],
  },
  {
    title: 'a weight has another shape',
    damage: tensors(weights, (all) => {
      const { data } = present(all['norm.weight']);
      all['norm.weight'] = { shape: [1, data.length], data };
    }),
    expected: [[weights, /norm.weight: shape \[1, 5\]; expected \[5\]/]],
  },
  {
    title: 'a weight file holds one tensor more',
    damage: tensors(weights, (all) => (all.more = { shape: [1], data: Float32Array.of(1) })),
    expected: [[weights, /more: a tensor that its architecture does not have/]],
  },
  {
    title: 'a graph takes its weights from elsewhere',
    damage: async (path) => {
      const text = await readFile(join(path, graph), 'latin1');
      await writeFile(join(path, graph), text.replaceAll('submodel-01.safe', '../../../etc.safe'.slice(-16)), 'latin1'); // prettier-ignore
      await vouchFor(path, graph);
    },
    expected: [[graph, /etc\.safetensors", bytes/]],
  },
  {
    title: 'a graph is no graph',
    damage: async (path) => {
      await writeFile(join(path, graph), 'no protobuf');
      await vouchFor(path, graph);
    },
    expected: [[graph, /not an ONNX model/]],
  },
  {
    title: 'a recorded output is another',
    damage: tensors(test, (all) => (value(all, 'submodel-01.logits')[0]! += 1)),
    expected: [
      [weights, /logits of the engine differ/],
      [graph, /logits of ONNX Runtime differ/],
    ],
  },
  {
    title: 'a self-test has no pixels',
    damage: tensors(test, (all) => delete all.pixels),
    expected: [[test, /no tensor "pixels"/]],
  },
  {
    title: 'its schema is not the one that was exported',
    damage: (path) => rm(join(path, 'manifest.schema.json')),
    expected: [['manifest.schema.json', /it is not there/]],
  },
];

/** To the coordinator's package. */
export const coordinatorCorruptions: readonly Corruption[] = [
  {
    title: 'the fusion has another bias',
    damage: tensors('fusion.safetensors', (all) => {
      const [name] = Object.keys(all).filter((key) => key.includes('bias')).slice(-1); // prettier-ignore
      value(all, present(name))[0]! += 1;
    }),
    expected: [
      ['fusion.safetensors', /: logits differ from the recorded ones/],
      ['fusion.safetensors', /logits without pi-kitchen differ/],
      ['fusion.safetensors', /logits without jetson differ/],
    ],
  },
  {
    title: 'what is recorded with a device missing is another',
    damage: tensors(test, (all) => (value(all, 'logits.without.jetson')[3]! -= 1)),
    expected: [['fusion.safetensors', /logits without jetson differ/]],
  },
  {
    title: 'the fusion is not a number',
    damage: tensors('fusion.safetensors', (all) => (value(all, 'mean')[0] = NaN)),
    expected: [['fusion.safetensors', /NaN|finite/]],
  },
  {
    title: 'the fusion is of vectors of other widths',
    damage: (path) =>
      rewriteManifest(path, 'manifest.json', (manifest) => {
        const { models } = manifest as { models: { featureWidth: number }[] };
        present(models[0]).featureWidth = 7;
      }),
    expected: [
      ['fusion.safetensors', /vectors of 6, 5, 6 values for 4 classes; expected of 7, 5, 6/],
      ['self-test.safetensors', /submodel-00.features: F32 \[4, 6\]; expected F32 \[4, 7\]/],
    ],
  },
  {
    title: 'a model is on a device that is not there',
    damage: (path) =>
      rewriteManifest(path, 'manifest.json', (manifest) => {
        const { models } = manifest as { models: { device: string }[] };
        present(models[0]).device = 'pi';
      }),
    expected: [['manifest.json', /models.0.device: no such device/]],
  },
];

/** To the whole deployment: packages that are whole, and not those of this deployment. */
export const linkCorruptions: readonly Corruption[] = [
  {
    title: 'a file of a package is missing',
    damage: (path) => rm(join(path, coordinator, 'fusion.safetensors')),
    expected: [[`${coordinator}/fusion.safetensors`, /no such file/]],
  },
  {
    title: 'a package was exported again',
    damage: (path) =>
      rewriteManifest(
        path,
        `${jetson}/manifest.json`,
        ({ preprocessing }) => void (preprocessing.resize = 11),
      ),
    expected: [[`${jetson}/manifest.json`, /preprocessing .*, as the coordinator says/]],
  },
  {
    title: 'a package says the same in other bytes',
    damage: async (path) => rewriteManifest(path, `${jetson}/manifest.json`, () => undefined),
    expected: [[`${jetson}/manifest.json`, /sha256 .*; expected .*, as deployment.json says/]],
  },
  {
    title: 'the packages of two devices are exchanged',
    damage: async (path) => {
      const spare = join(path, '..', 'spare');
      for (const [from, to] of [
        [kitchen, spare],
        [jetson, kitchen],
        [spare, jetson],
      ] as const) {
        // prettier-ignore
        const [source, target] = [from, to].map((name) => (name === spare ? spare : join(path, name)));
        await rm(present(target), { recursive: true, force: true });
        await cp(present(source), present(target), { recursive: true });
      }
    },
    expected: [
      [`${kitchen}/manifest.json`, /device "jetson"; expected "pi-kitchen", as deployment.json says/],
      [`${jetson}/manifest.json`, /device "pi-kitchen"; expected "jetson"/],
    ],
  },
  {
    title: 'the coordinator thinks that a model knows other classes',
    damage: async (path) => {
      await rewriteManifest(path, 'coordinator/manifest.json', ({ models }) => {
        present(models[1]).classes = [2];
      });
      await seal(path);
    },
    expected: [[`${jetson}/manifest.json`, /models .*; expected .*, as the coordinator says/]],
  },
  {
    title: 'a device calls its classes by other names',
    damage: async (path) => {
      await rewriteManifest(path, `${jetson}/manifest.json`, ({ models }) => {
        present(models[0]).classNames = ['wolf'];
      });
      await seal(path);
    },
    expected: [[`${jetson}/manifest.json`, /class names of submodel-01 .*wolf.*; expected .*dog/]],
  },
  {
    title: 'deployment.json tells of fewer multiply-adds',
    damage: (path) =>
      rewriteManifest(path, 'deployment.json', ({ devices }) => void (present(devices[1]).macs -= 1)),
    expected: [[`${jetson}/manifest.json`, /macs \d+; expected \d+, as deployment.json says/]],
  },
  {
    title: 'a package is not there',
    damage: (path) => rm(join(path, jetson), { recursive: true }),
    expected: [[`${jetson}/manifest.json`, /no such file/]],
  },
  {
    title: 'deployment.json hosts a model twice',
    damage: (path) =>
      rewriteManifest(path, 'deployment.json', ({ devices }) => {
        present(devices[0]).models.push('submodel-01');
      }),
    expected: [['deployment.json', /devices: expected each model once, found submodel-01 twice/]],
  },
];

/** To the manifest of jetson, and what is said of it. */
export const deviceManifestCorruptions: readonly (readonly [
  change: (manifest: DeviceManifest, model: DeviceManifest['models'][number]) => unknown,
  words: RegExp,
])[] = [
  [(_, model) => (model.params += 1), /models.0.params: expected \d+, as its architecture has it/],
  [(_, { architecture }) => (architecture.depth += 1), /models.0.architecture: .* layers that agree/],
  [(_, { architecture }) => (architecture.heads = 3), /models.0.architecture: .* layers that agree/],
  [(_, { architecture }) => (architecture.patchSize = 3), /models.0.architecture: expected one that divides/],
  [(_, { architecture }) => (architecture.family = 'vit'), /models.0.architecture: /],
  [(_, { weights: file }) => (file.path = '../x.safetensors'), /models.0.weights.path: expected a relative/],
  [(_, model) => (model.name = 'self-test'), /models.0.name: the name of another file/],
  [(_, model) => (model.classes = [2, 1]), /models.0.classes: expected ascending/],
  [(_, model) => (model.other = false), /models.0.architecture: expected 1 logits, found 2/],
  [({ preprocessing }) => (preprocessing.crop = 9), /models.0.architecture: expected the size and channels/],
  [({ preprocessing }) => (preprocessing.mean = [0.5]), /preprocessing: expected mean and std of 3 channels/],
  [(_, model) => (model.featureWidth = 7), /models.0.featureWidth: expected 5/],
  [(manifest) => Object.assign(manifest, { surprise: 1 }), /surprise/],
  [(manifest) => Object.assign(manifest, { schemaVersion: 2 }), /newer than this BlockForge/],
  [(_, { weights: file }) => (file.sizeBytes += 1e6), /models.0.weights: weights of this architecture take/],
  [({ selfTest }) => (selfTest.file.path = 'other.safetensors'), /selfTest: expected the file self-test/],
  [({ models }) => models.push(present(models[0])), /models: expected names of their own/],
];
