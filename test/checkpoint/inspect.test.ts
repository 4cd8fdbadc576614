import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspectCheckpoint, type Inspection } from '../../pipeline/checkpoint/inspect.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { BlockForgeError, type FailureReason } from '../../pipeline/util/failure.ts';
import { asHuggingface, asTorchvision, strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

const hints = { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact' } as const;
const huggingfaceConfig = {
  model_type: 'vit',
  num_attention_heads: 4,
  layer_norm_eps: 1e-12,
  hidden_act: 'gelu',
  id2label: { '4': 'x', '2': 'c', '0': 'a', '1': 'b', '3': 'd' },
};

/** Right in shape only. */
function zeroWeights(architecture: Architecture): NamedArrays {
  return Object.fromEntries(
    Object.entries(canonicalShapes(architecture)).map(([name, shape]) => [
      name,
      { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)) },
    ]),
  );
}

function without(tensors: NamedArrays, ...names: string[]): NamedArrays {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)));
}

async function refusal(promise: Promise<unknown>, reason: FailureReason): Promise<string> {
  let message = '';
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof BlockForgeError, String(error));
    assert.equal(error.failure.reason, reason);
    message = error.message;
    return true;
  });
  return message;
}

describe('checkpoint', () => {
  const weights = strongWeights(tinyArchitecture);
  let root: string;
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'blockforge-checkpoint-'));
  });
  after(() => rm(root, { recursive: true }));

  /** A folder with these tensors as model.safetensors and these JSON files. */
  async function folderOf(tensors: NamedArrays, json: Record<string, unknown> = {}): Promise<string> {
    const folder = join(root, String(count++));
    await writeSafetensors(join(folder, 'model.safetensors'), tensors);
    for (const [name, value] of Object.entries(json))
      await writeFile(join(folder, name), JSON.stringify(value));
    return folder;
  }

  async function assertSameTeacher(inspection: Inspection): Promise<void> {
    assert.deepEqual(inspection.architecture, tinyArchitecture);
    const read = await readTeacher(inspection);
    assert.deepEqual(Object.keys(read).sort(), Object.keys(weights).sort());
    for (const [name, { shape, data }] of Object.entries(weights)) {
      assert.deepEqual(read[name]!.shape, shape, name);
      assert.deepEqual(read[name]!.data, data, name);
    }
  }

  const files: [string, NamedArrays, Inspection['naming']][] = [
    ['timm', weights, 'timm'],
    ['Hugging Face', asHuggingface(weights), 'huggingface'],
    ['Hugging Face DeiT', asHuggingface(weights, 'deit.'), 'huggingface'],
    ['torchvision', asTorchvision(weights), 'torchvision'],
    ['older torchvision', asTorchvision(weights, true), 'torchvision'],
  ];
  for (const [title, tensors, naming] of files) {
    it(`reads ${title} names, also wrapped, into one canonical teacher`, async () => {
      const inspection = await inspectCheckpoint(await folderOf(tensors), { hints });
      assert.equal(inspection.naming, naming);
      await assertSameTeacher(inspection);
      const wrapped = Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => [`module._orig_mod.${name}`, tensor]),
      );
      await assertSameTeacher(await inspectCheckpoint(await folderOf(wrapped), { hints }));
    });
  }

  it('reads any size: grey, other patches, other depth', async () => {
    const other: Architecture = {
      ...tinyArchitecture,
      imageSize: 6,
      patchSize: 2,
      channels: 1,
      depth: 3,
      hidden: 20,
      classes: 2,
      heads: 4,
      gelu: 'tanh',
    };
    const inspection = await inspectCheckpoint(await folderOf(strongWeights(other)), {
      hints: { ...other, pool: undefined },
    });
    assert.deepEqual(inspection.architecture, other);
  });

  it('reads images that are no squares, of which positions tell the number of patches only', async () => {
    const wide: Architecture = { ...tinyArchitecture, imageSize: [8, 12] };
    const path = await folderOf(strongWeights(wide));
    const told = await inspectCheckpoint(path, { hints: { ...hints, imageSize: [8, 12] } });
    assert.deepEqual(told.architecture, wide);
    const message = await refusal(inspectCheckpoint(path, { hints }), 'checkpoint-unsupported');
    assert.match(message, /positions for 7 tokens.*imageSize: \[height, width\]/s);
    const wrong = { ...hints, imageSize: [12, 12] as const };
    assert.match(
      await refusal(inspectCheckpoint(path, { hints: wrong }), 'checkpoint-unsupported'),
      /7 tokens, not of an image of 12\n/,
    );
    // As many patches as a square: what is told counts.
    const strip: Architecture = { ...tinyArchitecture, imageSize: [4, 16] };
    const square = await folderOf(strongWeights(strip));
    const stripped = await inspectCheckpoint(square, { hints: { ...hints, imageSize: [4, 16] } });
    assert.deepEqual(stripped.architecture, strip);
    const own = join(root, 'wide', 'teacher.safetensors');
    await writeTeacher(own, strongWeights(strip), strip);
    assert.deepEqual((await inspectCheckpoint(own)).architecture, strip);
  });

  it('re-opens its own teacher files without hints, and hints still win', async () => {
    const path = join(root, 'own', 'teacher.safetensors');
    await writeTeacher(path, weights, { ...tinyArchitecture, gelu: 'tanh' });
    const inspection = await inspectCheckpoint(path);
    assert.deepEqual(inspection.architecture, { ...tinyArchitecture, gelu: 'tanh' });
    assert.equal(inspection.origin.gelu, 'the file itself');
    await assertSameTeacher(await inspectCheckpoint(path, { hints: { gelu: 'exact' } }));
  });

  it('reads shards by their index', async () => {
    const folder = join(root, 'shards');
    const entries = Object.entries(asHuggingface(weights));
    const half = entries.length >> 1;
    await writeSafetensors(join(folder, 'one.safetensors'), Object.fromEntries(entries.slice(0, half)));
    await writeSafetensors(join(folder, 'two.safetensors'), Object.fromEntries(entries.slice(half)));
    const map = Object.fromEntries(
      entries.map(([name], i) => [name, i < half ? 'one.safetensors' : 'two.safetensors']),
    );
    const index = join(folder, 'model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ weight_map: map }));
    const inspection = await inspectCheckpoint(folder, { hints });
    await assertSameTeacher(inspection);
    assert.equal(inspection.files.length, 3);
    await writeFile(index, JSON.stringify({ weight_map: { a: '../0/model.safetensors' } }));
    assert.match(await refusal(inspectCheckpoint(folder, { hints }), 'file-invalid'), /leaves its folder/);
  });

  it('takes heads, epsilon, GELU, labels and preprocessing from Hugging Face’s config files', async () => {
    const folder = await folderOf(asHuggingface(weights), {
      'config.json': huggingfaceConfig,
      'preprocessor_config.json': {
        image_mean: [0.5, 0.5, 0.5],
        image_std: [0.5, 0.5, 0.5],
        resample: 2,
        size: { height: 8, width: 8 },
      },
    });
    const { architecture, classLabels, preprocessing, origin, files: read } = await inspectCheckpoint(folder);
    assert.deepEqual(architecture, { ...tinyArchitecture, heads: 4, layerNormEpsilon: 1e-12 });
    assert.deepEqual(classLabels()?.names, ['a', 'b', 'c', 'd', 'x']);
    assert.deepEqual(preprocessing, {
      resize: 8,
      resizeMode: 'stretch',
      interpolation: 'bilinear',
      crop: 8,
      channels: 3,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    });
    assert.deepEqual(origin, { heads: 'config.json', layerNormEpsilon: 'config.json', gelu: 'config.json' });
    assert.deepEqual(
      read,
      ['model.safetensors', 'config.json', 'preprocessor_config.json'].map((name) => join(folder, name)),
    );
    const tanh = await folderOf(asHuggingface(weights), {
      'config.json': { ...huggingfaceConfig, hidden_act: 'gelu_pytorch_tanh' },
    });
    assert.equal((await inspectCheckpoint(tanh)).architecture.gelu, 'tanh');
  });

  it('takes everything from timm’s config.json and its architecture name', async () => {
    const tinyDeit: Architecture = {
      ...tinyArchitecture,
      width: 192,
      depth: 12,
      heads: 3,
      hidden: 16,
      patchSize: 4,
    };
    const folder = await folderOf(zeroWeights(tinyDeit), {
      'config.json': {
        architecture: 'deit_tiny_patch4_8',
        global_pool: 'token',
        pretrained_cfg: {
          mean: [0.1, 0.2, 0.3],
          std: [1, 1, 1],
          interpolation: 'bicubic',
          crop_pct: 0.9,
          input_size: [3, 8, 8],
        },
      },
    });
    const { architecture, preprocessing } = await inspectCheckpoint(folder);
    assert.deepEqual(architecture, tinyDeit);
    assert.equal(preprocessing?.resize, 8);
    assert.deepEqual(preprocessing.mean, [0.1, 0.2, 0.3]);
    const wrong = await refusal(
      inspectCheckpoint(folder, { architectureName: 'vit_base_patch16_224' }),
      'checkpoint-unsupported',
    );
    assert.match(wrong, /width 192, patchSize 4/);
    assert.match(wrong, /width 768, patchSize 16, which "vit_base_patch16_224" means/);
  });

  it('never guesses: says what is missing and the two ways to give it', async () => {
    const folder = await folderOf(weights);
    const message = await refusal(inspectCheckpoint(folder), 'checkpoint-unsupported');
    assert.match(message, /do not tell heads, layerNormEpsilon, gelu/);
    assert.match(
      message,
      /next: teacher\.hints: \{ heads: 12, .* or teacher\.architecture: NAME, timm's \(vit_base_patch16_224/,
    );
    assert.ok(message.length < 700, `${message.length} characters`);
    assert.match(message, /teacher\.architecture: NAME/);
    assert.match(message, /teacher\.hints: \{ heads: 12, layerNormEpsilon: 1e-6, gelu: exact \}/);
    const less = await refusal(
      inspectCheckpoint(folder, { hints: { heads: 2, gelu: 'exact' } }),
      'checkpoint-unsupported',
    );
    assert.match(less, /do not tell layerNormEpsilon\n/);
    await refusal(inspectCheckpoint(folder, { hints, architectureName: 'vit_base' }), 'config-invalid');
    await refusal(inspectCheckpoint(folder, { hints: { ...hints, imageSize: 224 } }), 'config-invalid');
    assert.match(
      await refusal(inspectCheckpoint(folder, { hints: { ...hints, heads: 3 } }), 'checkpoint-unsupported'),
      /3 heads \(from teacher\.hints\) for a width of 8/,
    );
  });

  const one = { shape: [1], data: new Float32Array(1) };
  const additions: [string, string, RegExp][] = [
    [
      'a distillation token that no head reads',
      'dist_token',
      /a distillation token \(dist_token\) and no head/,
    ],
    ['a head of a token that is not there', 'head_dist.weight', /a head of a distillation token/],
    ['LayerScale of one block', 'blocks.0.ls1.gamma', /missing blocks\.1\.ls1\.gamma/],
    ['LoRA adapters', 'blocks.0.attn.qkv.lora_A.default.weight', /merge_and_unload/],
    ['unmerged experts', 'blocks.0.mlp.gate.weight', /unknown blocks\.0\.mlp\.gate\.weight/],
    ['qk-norm', 'blocks.1.attn.q_norm.weight', /qk-norm/],
    ['registers of another width', 'reg_token', /reg_token/],
    ['average pooling', 'fc_norm.weight', /average pooling/],
    ['a table of relative positions of no image', 'blocks.0.attn.relative_position_bias_table', /relative positions of shape \[1\]/], // prettier-ignore
    ['relative positions of another kind (relpos)', 'blocks.0.attn.rel_pos.relative_position_bias_table', /relative positions of another kind/], // prettier-ignore
    ['relative positions of another kind (SAM)', 'blocks.0.attn.rel_pos_h', /relative positions of another kind/], // prettier-ignore
    ['separate biases without relative positions (EVA)', 'blocks.0.attn.q_bias', /unknown blocks\.0\.attn\.q_bias/], // prettier-ignore
    ['a gate of another shape', 'blocks.0.mlp.w12.weight', /blocks\.0\.mlp\.w12\.weight/],
    ['a first norm of another width', 'norm_pre.weight', /norm_pre\.weight \[1\] instead of \[8\]/],
    ['anything else', 'something.new', /unknown something\.new/],
  ];
  for (const [title, name, message] of additions) {
    it(`refuses ${title}, naming the tensor`, async () => {
      const text = await refusal(
        inspectCheckpoint(await folderOf({ ...weights, [name]: one }), { hints }),
        'checkpoint-unsupported',
      );
      assert.match(text, message);
      assert.ok(text.includes(name));
    });
  }

  it('refuses missing tensors, missing heads and wrong shapes', async () => {
    const incomplete = without(weights, 'blocks.1.attn.qkv.bias');
    assert.match(
      await refusal(inspectCheckpoint(await folderOf(incomplete), { hints }), 'checkpoint-unsupported'),
      /missing blocks\.1\.attn\.qkv\.bias/,
    );
    const headless = without(weights, 'head.weight', 'head.bias');
    assert.match(
      await refusal(inspectCheckpoint(await folderOf(headless), { hints }), 'checkpoint-unsupported'),
      /no tensor head\.weight/,
    );
    const uneven = { ...weights, 'blocks.1.mlp.fc1.bias': { shape: [13], data: new Float32Array(13) } };
    assert.match(
      await refusal(inspectCheckpoint(await folderOf(uneven), { hints }), 'checkpoint-unsupported'),
      /blocks\.1\.mlp\.fc1\.bias \[13\] instead of \[12\]/,
    );
    const pooled = without(weights, 'cls_token');
    assert.match(
      await refusal(inspectCheckpoint(await folderOf(pooled), { hints }), 'checkpoint-unsupported'),
      /positions for 5 tokens.*no class token \(cls_token\)/s,
    );
    assert.match(
      await refusal(
        inspectCheckpoint(await folderOf({ 'conv1.weight': one }), { hints }),
        'checkpoint-unsupported',
      ),
      /no known Vision Transformer: conv1\.weight/,
    );
  });

  it('refuses other activations, model types and pooling that config.json tells of', async () => {
    const configs: [Record<string, unknown>, RegExp][] = [
      [{ ...huggingfaceConfig, hidden_act: 'selu' }, /hidden_act "selu"/],
      [{ ...huggingfaceConfig, model_type: 'vit_msn' }, /model_type "vit_msn"/],
      [{ architecture: 'vit_base_patch16_224', global_pool: 'avgmax' }, /global_pool "avgmax"/],
      [{ architecture: 'vit_relpos_base_patch16_rpn_224' }, /architecture "vit_relpos_base_patch16_rpn_224"/],
    ];
    for (const [config, message] of configs) {
      const folder = await folderOf(weights, { 'config.json': config });
      assert.match(await refusal(inspectCheckpoint(folder, { hints }), 'checkpoint-unsupported'), message);
    }
  });

  it('ignores a pooler, which a classifier does not use', async () => {
    const folder = await folderOf({ ...asHuggingface(weights), 'vit.pooler.dense.weight': one });
    await assertSameTeacher(await inspectCheckpoint(folder, { hints }));
  });

  it('knows the named architecture of the real ViT-Tiny, and what it was trained with', async function () {
    const data = process.env.BLOCKFORGE_DATA;
    if (data === undefined) {
      console.log('      BLOCKFORGE_DATA is not set: no real checkpoint to read');
      this.skip();
    }
    const { architecture, preprocessing, naming } = await inspectCheckpoint(join(data, 'vit-tiny-in1k'), {
      architectureName: 'vit_tiny_patch16_224',
    });
    assert.equal(naming, 'timm');
    assert.deepEqual(architecture, {
      imageSize: 224,
      patchSize: 16,
      channels: 3,
      width: 192,
      depth: 12,
      heads: 3,
      hidden: 768,
      classes: 1000,
      layerNormEpsilon: 1e-6,
      gelu: 'exact',
    });
    assert.deepEqual(preprocessing, {
      resize: 248,
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      crop: 224,
      channels: 3,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    });
  });

  it('reads plans without loading an engine: nothing on this path imports TensorFlow.js', async () => {
    const seen = new Set<string>();
    const visit = async (file: string): Promise<void> => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = await readFile(file, 'utf8');
      assert.doesNotMatch(text, /from '@tensorflow/, file);
      // Types vanish; only imports of values load a module.
      for (const found of text.matchAll(/^(?:import|export) (?!type )[^;]*? from '(\.[^']+)'/gms)) {
        await visit(join(dirname(file), found[1]!));
      }
    };
    await visit(join(import.meta.dirname, '../../pipeline/checkpoint/inspect.ts'));
    await visit(join(import.meta.dirname, '../../pipeline/checkpoint/teacher-file.ts'));
    assert.ok(seen.size > 12, `${seen.size} files`);
  });

  it('never opens pickles and gives the lines that convert them', async () => {
    const folder = join(root, 'foreign');
    await mkdir(folder);
    for (const name of ['a.pth', 'b.pt', 'pytorch_model.bin', 'c.ckpt', 'best.pth.tar', 'it’s mine.pth']) {
      await writeFile(join(folder, name), 'not even a pickle');
      const message = await refusal(inspectCheckpoint(join(folder, name)), 'checkpoint-unsupported');
      const file = name.includes(' ') ? `'${join(folder, name)}'` : join(folder, name);
      assert.ok(message.includes(`python3 scripts/convert-checkpoint.py ${file} `), message);
      assert.match(message, /--set teacher\.checkpoint=.*\.safetensors/);
    }
    for (const name of ['d.npz', 'tf_model.h5']) {
      await writeFile(join(folder, name), 'not even a pickle');
      const message = await refusal(inspectCheckpoint(join(folder, name)), 'checkpoint-unsupported');
      assert.match(message, /python3 -c "/);
      assert.ok(message.includes(name === 'tf_model.h5' ? folder : join(folder, name)));
    }
    assert.match(
      await refusal(inspectCheckpoint(folder), 'checkpoint-unsupported'),
      /python3 scripts\/convert-checkpoint\.py/,
    );
    await refusal(inspectCheckpoint(join(root, 'nowhere')), 'file-missing');
    await mkdir(join(root, 'empty'));
    assert.match(
      await refusal(inspectCheckpoint(join(root, 'empty')), 'file-missing'),
      /no safetensors file/,
    );
  });
});
