import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { present } from '../support/present.ts';
import { writeHollow } from './hollow-file.ts';

const plain = 'vit_tiny_patch16_224';
const averaging = 'vit_medium_patch16_gap_256';
const renormed = 'vit_wee_patch16_reg1_gap_256';

/** The tensors of the published model of that name, with timm's names. */
function shapesOf(name: string, changes: Partial<Architecture> = {}): Record<string, readonly number[]> {
  const { facts } = present(namedArchitecture(name));
  const architecture: Architecture = { ...facts, channels: 3, classes: 1000, ...changes };
  const isNormLast = architecture.pool === 'mean';
  return Object.fromEntries(
    Object.entries(canonicalShapes(architecture))
      .filter(([tensor]) => !tensor.startsWith('rotary.') && !(facts.rotary && tensor === 'pos_embed'))
      .map(([tensor, shape]) => [isNormLast ? tensor.replace(/^norm\./, 'fc_norm.') : tensor, shape]),
  );
}

describe('what an architecture’s name tells of a file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-named-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function inspected(
    shapes: Record<string, readonly number[]>,
    options: InspectOptions = {},
    config?: object,
  ) {
    await writeHollow(join(folder, 'model.safetensors'), shapes);
    if (config !== undefined) await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return inspectCheckpoint(folder, options);
  }

  it('is what the head reads, where nothing else says it', async () => {
    for (const name of [plain, averaging, renormed, 'vit_base_patch16_siglip_gap_224']) {
      const { architecture, origin } = await inspected(shapesOf(name), { architectureName: name });
      assert.equal(architecture.pool, present(namedArchitecture(name)).facts.pool, name);
      assert.equal(origin.pool, `architecture "${name}"`);
    }
  });

  it('is what the head reads, where timm’s config.json has no argument for it', async () => {
    for (const name of [averaging, 'vit_small_patch16_dinov3']) {
      const config = { architecture: `${name}.some_tag`, num_classes: 1000, global_pool: 'avg' };
      const { architecture } = await inspected(shapesOf(name), {}, config);
      assert.equal(architecture.pool, 'normed-mean', name);
    }
    // The plain model of that name would be built with a head of its class token.
    await assert.rejects(
      inspected(shapesOf(plain), {}, { architecture: plain, global_pool: 'avg' }),
      /global_pool "avg" beside the model/,
    );
  });

  it('gives way to the user, and to timm’s config.json where that has the name', async () => {
    const hinted = { architectureName: plain, hints: { pool: 'mean' } } as const;
    assert.equal((await inspected(shapesOf(plain), hinted)).architecture.pool, 'normed-mean');
    const config = { architecture: plain, model_args: { global_pool: 'avg', fc_norm: false } };
    assert.equal((await inspected(shapesOf(plain), {}, config)).architecture.pool, 'normed-mean');
  });

  it('must not contradict the file', async () => {
    const config = { architecture: plain, model_args: { global_pool: 'avg', fc_norm: false } };
    await assert.rejects(
      inspected(shapesOf(plain), { architectureName: plain }, config),
      /pool normed-mean \(from config\.json\).*pool class-token, which "vit_tiny_patch16_224" means.*teacher\.hints\.pool/s,
    );
    const { facts } = present(namedArchitecture(renormed));
    const normFirst = shapesOf(renormed, { ...facts, pool: 'normed-mean' });
    await rm(join(folder, 'config.json'));
    await assert.rejects(
      inspected(normFirst, { architectureName: renormed }),
      /pool class-token \(from where its last norm stands\).*pool mean, which/s,
    );
    await assert.rejects(
      inspected(normFirst, {}, { architecture: renormed }),
      /pool mean, which the architecture in config\.json means.*correct config\.json/s,
    );
    const normLast = { ...shapesOf(plain, { pool: 'mean' }) };
    await rm(join(folder, 'config.json'));
    await assert.rejects(
      inspected(normLast, { architectureName: plain }),
      /a norm after pooling \(fc_norm\), and nothing tells which tokens are pooled/,
    );
    const attending = shapesOf('vit_base_patch16_siglip_224');
    await assert.rejects(
      inspected(attending, { architectureName: 'vit_base_patch16_siglip_gap_224' }),
      /pool attention \(from the weights\).*pool normed-mean, which/s,
    );
  });

  it('says nothing of a head that is somebody else’s', async () => {
    const name = 'vit_small_patch14_dinov2';
    const shapes = shapesOf(name, { pool: 'class-and-mean' });
    const { architecture } = await inspected(shapes, { architectureName: name });
    assert.equal(architecture.pool, 'class-and-mean');
  });

  it('is how images are prepared, which is said to be assumed', async () => {
    for (const [name, preparation, text] of [
      [
        plain,
        [248, 'shortest', 0.5],
        /"vit_tiny_patch16_224" \(shortest 248 bicubic, crop 224, mean \[0\.5,/,
      ],
      ['vit_base_patch32_clip_384', [384, 'shortest', 0.48145466], /mean \[0\.4815, 0\.4578, 0\.4082\]/],
      ['vit_base_patch16_clip_384.openai_ft_in1k', [384, 'stretch', 0.48145466], /\(stretch 384/],
      ['vit_small_patch14_dinov2.lvd142m', [518, 'shortest', 0.485], /mean \[0\.485,/],
    ] as const) {
      const { preprocessing, notes } = await inspected(shapesOf(name), { architectureName: name });
      const { resize, resizeMode, mean } = present(preprocessing);
      assert.deepEqual([resize, resizeMode, mean[0]], preparation, name);
      const note = present(notes.find((one) => one.includes('how images are prepared')));
      assert.match(note, text);
      assert.match(note, /is assumed; data\.preprocessing goes before it$/);
    }
  });

  it('is not how images are prepared where files say it, nor for images of another size', async () => {
    const pretrained_cfg = { input_size: [3, 224, 224], mean: [0.1, 0.1, 0.1], interpolation: 'bilinear' };
    const told = await inspected(shapesOf(plain), {}, { architecture: plain, pretrained_cfg });
    assert.equal(present(told.preprocessing).mean[0], 0.1);
    assert.deepEqual(told.notes, []);
    await rm(join(folder, 'config.json'));
    const larger = await inspected(shapesOf(plain, { imageSize: 256 }), { architectureName: plain });
    assert.equal(larger.preprocessing, undefined);
  });

  it('refuses files whose positions turn as no weight shows, which can be planned', async () => {
    const name = 'vit_small_patch16_rope_ape_224';
    await assert.rejects(
      inspected(shapesOf('vit_small_patch16_224'), { architectureName: name }),
      /rotary positions of timm's own kind, which "vit_small_patch16_rope_ape_224" means/,
    );
  });

  it('refuses a name that is refused where timm’s config.json says it, hints or not', async () => {
    const hints = { heads: 3, layerNormEpsilon: 1e-6, gelu: 'exact' } as const;
    const shapes = shapesOf(plain);
    for (const [architecture, why] of [
      [
        'vit_pe_core_tiny_patch16_384.fb',
        /config\.json: architecture "vit_pe_core_.*a pooling attention with/,
      ],
      ['eva02_tiny_patch14_224', /config\.json: architecture "eva02_.*rotary positions beside learned ones/],
      ['vit_small_patch16_rope_ape_224', /config\.json: rotary positions of timm's own kind/],
    ] as const)
      await assert.rejects(inspected(shapes, { hints }, { architecture }), why);
    // Of a name that is not known nothing is said.
    const own = await inspected(shapes, { hints }, { architecture: 'vit_own_patch16_224' });
    assert.equal(own.architecture.heads, 3);
  });

  it('goes with a Swin whose config.json is timm’s', async () => {
    const name = 'swin_tiny_patch4_window7_224';
    const { facts } = present(namedArchitecture(name));
    const architecture: Architecture = { ...facts, channels: 3, classes: 1000 };
    // timm's names of the head and of the blocks, which are counted anew in every stage.
    const depths = present(facts.stages).map(({ depth }) => depth);
    const places = depths.flatMap((depth, stage) =>
      Array.from({ length: depth }, (_, place) => `layers.${stage}.blocks.${place}`),
    );
    const shapes = Object.fromEntries(
      Object.entries(canonicalShapes(architecture)).map(([tensor, shape]) => [
        tensor
          .replace(/^head\./, 'head.fc.')
          .replace(/^blocks\.(\d+)/, (_, block: string) => present(places[Number(block)]))
          .replace(/blocks\.0\.downsample/, 'downsample'),
        shape,
      ]),
    );
    // As timm writes it for the published weights.
    const config = {
      architecture: name,
      num_classes: 1000,
      num_features: 768,
      global_pool: 'avg',
      pretrained_cfg: {
        tag: 'ms_in1k',
        custom_load: false,
        input_size: [3, 224, 224],
        fixed_input_size: true,
        interpolation: 'bicubic',
        crop_pct: 0.9,
        crop_mode: 'center',
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        num_classes: 1000,
        pool_size: [7, 7],
        first_conv: 'patch_embed.proj',
        classifier: 'head.fc',
        license: 'mit',
      },
    };
    const { naming, origin, notes, preprocessing, ...found } = await inspected(shapes, {}, config);
    assert.deepEqual(found.architecture, architecture);
    assert.deepEqual([naming, origin.heads, notes], ['timm', 'the file itself', []]);
    assert.deepEqual(origin.layerNormEpsilon, `architecture "${name}" in config.json`);
    const { preprocessing: published } = present(namedArchitecture(name));
    assert.deepEqual(preprocessing, { ...published, crop: 224, channels: 3 });
    await assert.rejects(
      inspected(shapes, {}, { ...config, architecture: 'swin_small_patch4_window7_224' }),
      /depth 12.*depth 24, which "swin_small_patch4_window7_224" means/s,
    );
    await assert.rejects(
      inspected(shapes, {}, { ...config, num_features: 1024 }),
      /num_features 1024.*768, as the weights have it/s,
    );
  });
});
