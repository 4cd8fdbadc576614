import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceManifest } from '../../pipeline/deployment/device-manifest.ts';
import { findPackage } from '../../pipeline/deployment/open-package.ts';
import type { Finding } from '../../pipeline/verify/finding.ts';
import { verifyPackage, type PackageVerification } from '../../pipeline/verify/package.ts';
import { writtenDeployment } from '../deployment/fixture.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import { present } from '../support/present.ts';
import {
  coordinator,
  coordinatorCorruptions,
  deviceCorruptions,
  deviceManifestCorruptions,
  jetson,
  kitchen,
  linkCorruptions,
  type Corruption,
} from './deployment-corruptions.ts';

describe('verify/deployment', function () {
  this.timeout(60_000);
  let written: Awaited<ReturnType<typeof writtenDeployment>>;
  let withOnnx = false;
  let copies = 0;
  before(async () => {
    written = await writtenDeployment();
    withOnnx = await hasOnnxRuntime();
  });
  after(() => written.remove());

  /** @param below a package, or the whole deployment */
  const copy = async (below = ''): Promise<string> => {
    const path = join(written.path, '..', String(copies++), 'copy');
    await cp(join(written.path, below), path, { recursive: true });
    return path;
  };
  const verify = async (path: string): Promise<PackageVerification> =>
    verifyPackage(present(await findPackage(path), path), { engine: 'wasm' });
  const assertFindings = (found: readonly Finding[], expected: Corruption['expected']): void => {
    const lines = found.map((item) => `${item.file}: ${item.found}; expected ${item.expected}`);
    const wanted = expected.filter(([, words]) => withOnnx || !/ONNX Runtime/.test(String(words)));
    assert.equal(lines.length, wanted.length, lines.join('\n'));
    for (const [file, words] of wanted) {
      assert.ok(
        lines.some((line) => line.startsWith(`${file}: `) && words.test(line)),
        `${file}: ${words}\n${lines.join('\n')}`,
      );
    }
  };

  it('finds nothing wrong with a whole deployment, nor with a package alone, and counts what it looked at', async () => {
    const tensors = tf.memory().numTensors;
    const counts = async (path: string) => {
      const { findings, notes, checks } = await verify(path);
      assert.deepEqual(findings, []);
      assert.deepEqual(notes, []);
      assert.ok(checks.every(({ passed, of, skipped }) => passed === of && skipped === 0));
      return Object.fromEntries(checks.map(({ name, of }) => [name, of]));
    };
    const times = withOnnx ? 2 : 1;
    const kitchens = {
      manifest: 1,
      files: 6,
      hashes: 6,
      submodels: 2,
      graphs: 2,
      'self-test': 1 + 2 * times,
    };
    assert.deepEqual(await counts(join(written.path, kitchen)), kitchens);
    const fusing = { manifest: 1, files: 2, hashes: 2, fusion: 1, 'self-test': 4 };
    assert.deepEqual(await counts(join(written.path, coordinator, 'manifest.json')), fusing);
    assert.deepEqual(await counts(written.path), {
      manifest: 4,
      files: 12,
      hashes: 12,
      submodels: 3,
      fusion: 1,
      graphs: 3,
      'self-test': 6 + 3 * times,
      links: 3,
    });
    assert.equal(tf.memory().numTensors, tensors);
  });

  for (const [below, what, table] of [
    [jetson, "a device's package", deviceCorruptions],
    [coordinator, "the coordinator's package", coordinatorCorruptions],
    ['', 'a deployment', linkCorruptions],
  ] as const) {
    describe(`finds and names what is wrong with ${what} where`, () => {
      for (const { title, damage, expected } of table) {
        it(title, async () => {
          const path = await copy(below);
          await damage(path);
          assertFindings((await verify(path)).findings, expected);
        });
      }
    });
  }

  it("says what is wrong with a device's manifest, and looks at nothing else then", async () => {
    const path = await copy(jetson);
    const file = join(path, 'manifest.json');
    const text = await readFile(file, 'utf8');
    for (const [change, words] of deviceManifestCorruptions) {
      const manifest = JSON.parse(text) as DeviceManifest;
      change(manifest, present(manifest.models[0]));
      await writeFile(file, JSON.stringify(manifest));
      const { findings, checks } = await verify(path);
      assert.match(findings.map(({ found }) => found).join('\n'), words);
      assert.deepEqual(
        checks.map(({ name, passed }) => [name, passed]),
        [['manifest', 0]],
      );
    }
  });

  it('mentions what nobody vouches for, and knows profiles', async () => {
    const path = await copy();
    await mkdir(join(path, jetson, 'profiles'));
    await writeFile(join(path, jetson, 'profiles', 'old.json'), '{"manifestSha256":"another"}');
    await writeFile(join(path, 'notes.txt'), 'x');
    const { findings, notes } = await verify(path);
    assert.deepEqual(findings, []);
    assert.deepEqual(
      notes.map(({ file, note }) => `${file}: ${note}`),
      [
        `${jetson}/profiles/old.json: made from another manifest than this one`,
        'notes.txt: not in the manifest',
      ],
    );
  });

  for (const [below, name] of [
    ['', 'deployment.json'],
    [coordinator, 'manifest.json'],
    [jetson, 'manifest.json'],
  ] as const) {
    it(`survives any value at any place of ${join(below, name)}`, async () => {
      const path = await copy(below);
      const file = join(path, name);
      const hostile = [null, -1, 0, 0.5, 1e308, 2 ** 53, '', '../x', 'a/'.repeat(20_000), [], {}, [{}], true];
      const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
      const places: [object: Record<string, unknown>, key: string][] = [];
      const collect = (object: Record<string, unknown>): void => {
        for (const [key, member] of Object.entries(object)) {
          places.push([object, key]);
          if (typeof member === 'object' && member !== null) collect(member as Record<string, unknown>);
        }
      };
      collect(manifest);
      let refused = 0;
      // A whole deployment takes its time.
      const looked = places.filter((_, place) => below !== '' || place % 3 === 0);
      for (const [place, [object, key]] of looked.entries()) {
        const before = object[key];
        object[key] = hostile[place % hostile.length];
        await writeFile(file, JSON.stringify(manifest));
        const found = await findPackage(path);
        if (found === undefined) refused++;
        else if ((await verifyPackage(found, { engine: 'wasm' })).findings.length > 0) refused++;
        object[key] = before;
      }
      // Times, sizes of a teacher and measured numbers may be many.
      assert.ok(refused > (2 * looked.length) / 3, `${refused} of ${looked.length}`);
    });
  }
});
