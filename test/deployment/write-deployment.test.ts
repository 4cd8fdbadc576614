import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { cp, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openCoordinator, readFusionFile } from '../../pipeline/deployment/coordinator.ts';
import { fusedRows } from '../../pipeline/deployment/coordinator-self-test.ts';
import { deviceFolder } from '../../pipeline/deployment/deployment-manifest.ts';
import { openDeployment } from '../../pipeline/deployment/deployment.ts';
import { openDevicePackage } from '../../pipeline/deployment/device-package.ts';
import { engineOutputs } from '../../pipeline/deployment/engine-outputs.ts';
import { onnxOutputs } from '../../pipeline/deployment/onnx-outputs.ts';
import { findPackage } from '../../pipeline/deployment/open-package.ts';
import { loadOnnxRuntime } from '../../pipeline/graphs/onnx-runtime.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { fuse } from '../../pipeline/submodels/fusion/fuse.ts';
import { fusionToArrays } from '../../pipeline/submodels/fusion/fusion-arrays.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { verifyCoordinator } from '../../pipeline/verify/coordinator.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { assertClose } from '../graphs/support.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import { present } from '../support/present.ts';
import { deploymentInput, writtenDeployment } from './fixture.ts';

describe('deployment/write-deployment', function () {
  this.timeout(60_000);
  let written: Awaited<ReturnType<typeof writtenDeployment>>;
  before(async () => (written = await writtenDeployment()));
  after(() => written.remove());

  it('writes a package for each device that hosts something, one for the coordinator, and what is over them', async () => {
    const files = await readdir(written.path, { recursive: true, withFileTypes: true });
    const names = files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(written.path.length + 1))
      .sort();
    const device = (name: string, ...models: string[]) =>
      [
        'README.md',
        'manifest.json',
        'manifest.schema.json',
        'profile.mjs',
        'self-test.safetensors',
        ...models.flatMap((model) => [`${model}.onnx`, `${model}.safetensors`]),
      ].map((file) => `${deviceFolder(name)}/${file}`);
    assert.deepEqual(
      names,
      [
        'README.md',
        'deployment.json',
        'deployment.schema.json',
        ...['README.md', 'fusion.safetensors', 'manifest.json', 'manifest.schema.json'].map(
          (file) => `coordinator/${file}`,
        ),
        'coordinator/self-test.safetensors',
        ...device('pi-kitchen', 'submodel-00', 'submodel-02'),
        ...device('jetson', 'submodel-01'),
      ].sort(),
    );
  });

  it('says of each sub-model what it knows and costs, and of the whole what is where', async () => {
    const { manifest, ...deployment } = await openDeployment(written.path);
    assert.deepEqual(
      manifest.devices.map(({ name, models, limits }) => [name, models, limits]),
      [
        ['pi-kitchen', ['submodel-00', 'submodel-02'], { memoryBytes: 2 ** 26 }],
        ['jetson', ['submodel-01'], undefined],
      ],
    );
    assert.deepEqual([manifest.config, manifest.measured], [{ seed: 4, data: { path: 'photos' } }, { top1Percent: 91.5 }]); // prettier-ignore
    const input = deploymentInput();
    const kitchen = await deployment.device('pi-kitchen');
    const [model] = kitchen.manifest.models;
    const { architecture } = present(input.models[0]);
    const { params, sizeBytes, macs } = modelCosts(architecture);
    const { weights, onnx, ...facts } = present(model);
    assert.deepEqual(facts, {
      name: 'submodel-00',
      classes: [0, 2],
      other: true,
      classNames: ['cat', 'bird | "x"'],
      architecture,
      featureWidth: 6,
      params,
      sizeBytes,
      macs,
    });
    assert.deepEqual([weights.path, onnx.path], ['submodel-00.safetensors', 'submodel-00.onnx']);
    const own = present(manifest.devices[0]);
    assert.equal(
      own.params,
      kitchen.manifest.models.reduce((sum, item) => sum + item.params, 0),
    );
    const coordinator = await deployment.coordinator();
    assert.deepEqual(
      coordinator.manifest.models.map(({ name, device, featureWidth }) => [name, device, featureWidth]),
      [['submodel-00', 'pi-kitchen', 6], ['submodel-01', 'jetson', 5], ['submodel-02', 'pi-kitchen', 6]], // prettier-ignore
    );
    assert.deepEqual(
      coordinator.manifest.devices.map(({ manifestSha256 }) => manifestSha256),
      manifest.devices.map(({ manifestSha256 }) => manifestSha256),
    );
  });

  it('gives packages that stand alone, whose self-tests engine and ONNX Runtime meet', async function () {
    const alone = `${written.path}-alone`;
    await cp(join(written.path, deviceFolder('pi-kitchen')), alone, { recursive: true });
    try {
      assert.deepEqual(await findPackage(alone), {
        kind: 'device',
        manifestPath: join(alone, 'manifest.json'),
      });
      const device = await openDevicePackage(alone);
      const { pixels, outputs, images } = await device.readSelfTest();
      assert.equal(images, 2);
      const { preprocessing } = device.manifest;
      await loadEngine('wasm');
      const tensors = tf.memory().numTensors;
      const runtime = await loadOnnxRuntime();
      for (const { name, architecture, onnx } of device.manifest.models) {
        const expected = present(outputs.get(name));
        assert.deepEqual([expected.features.length, expected.logits.length], [12, 2 * architecture.classes]);
        const found = await engineOutputs(
          await device.readWeights(name),
          architecture,
          pixels,
          preprocessing,
        );
        assertClose(found.features, expected.features, 1e-6);
        assertClose(found.logits, expected.logits, 1e-6);
        if (typeof runtime === 'string') continue;
        const graph = await onnxOutputs(runtime, device.pathOf(onnx), pixels, preprocessing);
        assertClose(graph.features, expected.features, 1e-4);
        assertClose(graph.logits, expected.logits, 1e-4);
      }
      assert.equal(tf.memory().numTensors, tensors);
    } finally {
      await rm(alone, { recursive: true });
    }
    await hasOnnxRuntime();
  });

  it('gives a coordinator that answers, also with any device missing', async () => {
    const coordinator = await openCoordinator(join(written.path, 'coordinator'));
    const head = await coordinator.readFusion();
    const { fusion } = deploymentInput();
    assert.deepEqual(head, fusion);
    const { features, logits, without } = await coordinator.readSelfTest();
    assert.deepEqual([...without.keys()], ['pi-kitchen', 'jetson']);
    const rows = (missing?: string) =>
      fusedRows((vectors) => fuse(head, vectors), features, coordinator.manifest, missing);
    assert.deepEqual(rows(), logits);
    for (const [device, expected] of without) {
      assert.deepEqual(rows(device), expected);
      assert.ok(
        expected.some((value, i) => Math.abs(value - present(logits[i])) > 0.01),
        device,
      );
    }
  });

  it("packs a fusion through the teacher's token as any other", async () => {
    const names = deploymentInput().models.map(({ name }) => name);
    const fusion = {
      ...deploymentInput().fusion,
      kind: 'tokens',
      activation: 'identity',
      submodels: names,
    } as const;
    const other = await writtenDeployment(deploymentInput({ fusion }));
    try {
      const coordinator = await openCoordinator(join(other.path, 'coordinator'));
      const head = await coordinator.readFusion();
      assert.deepEqual(head, fusion);
      const { features, without } = await coordinator.readSelfTest();
      const rows = fusedRows((vectors) => fuse(head, vectors), features, coordinator.manifest, 'jetson');
      assert.deepEqual(rows, without.get('jetson'));
      const { checks, findings } = await verifyCoordinator(join(other.path, 'coordinator', 'manifest.json'));
      assert.deepEqual([findings, checks.length > 3], [[], true]);
    } finally {
      await other.remove();
    }
  });

  it('writes and opens no fusion over sub-models of other widths, or in another order than it was made for', async () => {
    const { fusion, models } = deploymentInput();
    const names = models.map(({ name }) => name);
    const refuses = (changed: typeof fusion, words: RegExp) =>
      assert.rejects(writtenDeployment(deploymentInput({ fusion: changed })), words);
    await refuses(
      { ...fusion, widths: [6, 6, 5] },
      /deployment two: a fusion of vectors of 6, 6, 5 values for 4 classes\n {2}expected: of 6, 5, 6 for 4/,
    );
    const shuffled = ['submodel-02', 'submodel-01', 'submodel-00'];
    await refuses(
      { ...fusion, submodels: shuffled },
      /by submodel-02, submodel-01, submodel-00\n {2}expected: .* by submodel-00, submodel-01, submodel-02/,
    );
    const path = join(written.path, 'shuffled.safetensors');
    const { tensors, metadata } = fusionToArrays({ ...fusion, submodels: names });
    await writeSafetensors(path, tensors, metadata);
    const facts = (await openCoordinator(join(written.path, 'coordinator'))).manifest;
    assert.deepEqual((await readFusionFile(path, facts)).submodels, names);
    const exchanged = { ...facts, models: [...facts.models].reverse() };
    await assert.rejects(readFusionFile(path, exchanged), /shuffled\.safetensors: a fusion of vectors/);
    await rm(path);
  });

  it('gives the same bytes for the same input', async () => {
    const again = await writtenDeployment();
    try {
      const list = (await readdir(written.path, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(written.path.length));
      for (const file of list) {
        const [a, b] = await Promise.all([readFile(written.path + file), readFile(again.path + file)]);
        assert.ok(a.equals(b), file);
      }
    } finally {
      await again.remove();
    }
  });

  it('carries the JSON Schema that its manifests are held to, and READMEs that name what is there', async () => {
    for (const [folder, schema, kind] of [
      ['', 'deployment', 'blockforge-deployment'],
      ['coordinator/', 'manifest', 'blockforge-coordinator'],
      [`${deviceFolder('jetson')}/`, 'manifest', 'blockforge-device'],
    ] as const) {
      const text = await readFile(join(written.path, `${folder}${schema}.schema.json`), 'utf8');
      const read = JSON.parse(text) as { properties: { kind: { const: string } } };
      assert.equal(read.properties.kind.const, kind);
    }
    const readme = await readFile(join(written.path, deviceFolder('jetson'), 'README.md'), 'utf8');
    assert.match(readme, /`submodel-01` \| dog, and "other" as its last logit \| 5 \|/);
    const whole = await readFile(join(written.path, 'README.md'), 'utf8');
    assert.match(whole, /\| pi-kitchen \| submodel-00, submodel-02 \|/);
  });

  it('stops at weights that are not those of the architecture, and at names its schema refuses', async () => {
    const { models } = deploymentInput();
    const [first, ...others] = models as [(typeof models)[0], ...typeof models];
    const refuses = async (input: Parameters<typeof writtenDeployment>[0], words: RegExp) =>
      assert.rejects(writtenDeployment(input), (error: unknown) => {
        assert.ok(error instanceof BlockForgeError, String(error));
        assert.match(error.message, words);
        return true;
      });
    const narrow = present(others[0]).weights;
    await refuses(deploymentInput({ models: [{ ...first, weights: narrow }, ...others] }), /shape \[/);
    await refuses(deploymentInput({ name: 'a/b' }), /manifest, deployment: expected letters/);
    await assert.rejects(
      writtenDeployment(deploymentInput({ devices: [{ name: 'one', models: ['submodel-00'] }] })),
      /on devices as submodel-00/,
    );
  });
});
