import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../datasets/contract.ts';
import { fitImage } from '../../datasets/fit-image.ts';
import { normalise } from '../../datasets/normalise.ts';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import type { Architecture, ImageSize } from '../../pipeline/model/architecture.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

/** As test/fixtures/preprocessing/make.py writes them. */
interface Case {
  readonly name: string;
  readonly imageSize: ImageSize;
  readonly image: readonly [width: number, height: number];
  readonly config: object;
  readonly processor: object | null;
  readonly values: string;
  /** False: its library does not round what it resizes to 8 bits. */
  readonly rounded?: false;
}

const fixture = join(import.meta.dirname, '../fixtures/preprocessing/reference.json');
const cases = JSON.parse(await readFile(fixture, 'utf8')) as readonly Case[];
const hints = { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact' } as const;

function imageOf(width: number, height: number): Image {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++)
        pixels[(y * width + x) * 3 + c] = (x * 37 + y * 91 + c * 53 + x * y * 11) % 256;
    }
  }
  return { width, height, channels: 3, pixels };
}

describe('what a teacher sees', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'blockforge-preparation-'));
  });
  after(() => rm(root, { recursive: true }));

  /** Folders with the weights of a small model of that size. */
  async function save(
    name: string,
    imageSize: ImageSize,
    files: Record<string, object | null>,
  ): Promise<string> {
    const architecture: Architecture = { ...tinyArchitecture, imageSize };
    const folder = join(root, name.replaceAll(/[^\w.]+/g, '-'));
    await mkdir(folder, { recursive: true });
    await writeSafetensors(join(folder, 'model.safetensors'), strongWeights(architecture));
    for (const [file, value] of Object.entries(files))
      if (value !== null) await writeFile(join(folder, file), JSON.stringify(value));
    return folder;
  }

  for (const { name, imageSize, image, config, processor, values, rounded } of cases) {
    it(`is what its own library makes of an image: ${name}`, async () => {
      const folder = await save(name, imageSize, {
        'config.json': {
          ...config,
          ...('architecture' in config ? { architecture: 'vit_small_patch4_x' } : {}),
        },
        'preprocessor_config.json': processor,
      });
      const { architecture, preprocessing, preprocessingProblem } = await inspectCheckpoint(folder, {
        hints,
      });
      if (processor !== null && 'do_resize' in processor && processor.do_resize === false) {
        // Of images of another size the processor would make no input at all.
        assert.match(preprocessingProblem?.found ?? '', /do_resize false, and no crop/);
        return;
      }
      assert.equal(preprocessingProblem, undefined, JSON.stringify(preprocessingProblem));
      assert.ok(preprocessing);
      assert.deepEqual([architecture.imageSize, preprocessing.crop], [imageSize, imageSize]);
      const found = normalise(await fitImage(imageOf(...image), preprocessing), preprocessing);
      const expected = new Float32Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
      assert.equal(found.length, expected.length);
      const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      found.forEach((value, i) => {
        // Pillow rounds rows, then columns.
        const rounding = rounded === false ? 1.001 / 255 / preprocessing.std[i % 3]! : 0;
        assert.ok(
          Math.abs(value - expected[i]!) <= 2e-6 * scale + rounding,
          `${i}: ${value}, not ${expected[i]}`,
        );
      });
    });
  }
});
