import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectCheckpoint, type ArchitectureHints } from '../../pipeline/checkpoint/inspect.ts';
import type { ToldNames } from '../../pipeline/checkpoint/told-naming.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const folder = join(import.meta.dirname, '../fixtures/teachers');
type Hints = Omit<ArchitectureHints, 'pool'> & { readonly pool?: ArchitectureHints['pool'] | null };
interface Reference {
  readonly library: string;
  /** Without a pool the class token; null: the file tells it. */
  readonly hints: Hints;
  readonly names?: ToldNames;
  readonly imageSize?: readonly [number, number];
  readonly headless?: true;
  readonly logits: readonly number[];
}
const square: readonly [number, number] = [8, 8];
const { cases } = JSON.parse(readFileSync(join(folder, 'references.json'), 'utf8')) as {
  cases: Record<string, Reference>;
};

/** As `pixels` of fixtures/teachers/make.py, which lays channels outside: [2, height, width, 3]. */
function pixels(height: number, width: number): tf.Tensor {
  const values = Float32Array.from({ length: 6 * height * width }, (_, index) => Math.sin(index * 0.7));
  return tf.tidy(() => tf.transpose(tf.tensor(values, [2, 3, height, width]), [0, 2, 3, 1]));
}

async function logitsOf(
  name: string,
  { pool = 'class-token', ...hints }: Hints,
  size: readonly [number, number],
  { names, headless }: Pick<Reference, 'names' | 'headless'> = {},
) {
  const told = { imageSize: size, ...hints, ...(pool !== null && { pool }) } as const;
  const inspection = await inspectCheckpoint(join(folder, `${name}.safetensors`), {
    hints: told,
    names,
    headless,
  });
  const model = uploadTeacher(await readTeacher(inspection), inspection.architecture);
  const images = pixels(...size);
  const { logits } = forward(model, images);
  const values = logits.dataSync().slice();
  tf.dispose([images, logits]);
  model.dispose();
  return { values, notes: inspection.notes };
}

function largestError(values: ArrayLike<number>, expected: readonly number[]): number {
  assert.equal(values.length, expected.length);
  return Math.max(...expected.map((value, index) => Math.abs(value - values[index]!)));
}

/** What is said of each, where anything is. */
const turned = "no positions are stored: rotary as DINOv3's, for images of 16";
const folded = 'LayerScale is folded into attn.proj and mlp.fc2';
const unplaced = 'the class token has no position: zeros';
const placed = 'the positions of the registers are added to them';
const unplacedAll = 'the tokens have no positions: zeros';
const copied = 'one table of relative positions is for all blocks: each takes a copy';
const unbiased = 'no bias in attn.qkv: zeros';
const ofEva = [
  "biases of q and v beside one weight, or q_proj by itself, are timm's Eva's, which may have rotary positions beside the learned ones, or norms behind attention and FFN (teacher.architecture tells): neither is assumed",
  'no bias in k: zeros',
];
const notes: Readonly<Record<string, readonly string[]>> = {
  'timm-no-biases': ['no bias in attn.qkv, attn.proj, mlp.fc1, mlp.fc2: zeros'],
  'timm-layer-scale': ['LayerScale is folded into attn.proj and mlp.fc2'],
  'timm-deit3': ['the class token has no position: zeros', 'LayerScale is folded into attn.proj and mlp.fc2'],
  'wrapped-lightning': ['the model is what lies below "net.backbone."', 'not used: criterion.weight'],
  'wrapped-averaged': ['the model is what lies below "module._orig_mod."', 'not used: n_averaged'],
  'wrapped-peft': ['the model is what lies below "base_model.model."'],
  'own-head': [
    'the model is what lies below "encoder."',
    'the head is "head.1"; a Sequential around it is taken to be dropout',
  ],
  'timm-swin-older': ['not used: layers.0.blocks.1.attn_mask'],
  'timm-swin-no-bias': ['no bias in attn.qkv: zeros'],
  'timm-swiglu-packed': [
    "blocks.{i}.mlp.fc1 is taken to hold all gates, then all values (timm's SwiGLUPacked; its GluMlp has them the other way round)",
  ],
  'plain-attention': ['the head is "classifier"; a Sequential around it is taken to be dropout'],
  'plain-odd': ['names are those of teacher.names'],
  'plain-listed': ['no bias in attn.qkv: zeros'],
  'timm-registers': [unplaced, folded],
  'timm-registers-placed': [placed],
  'timm-gap-registers-placed': [placed],
  'timm-dinov3-biases': [turned, 'no bias in k: zeros', folded],
  'timm-eva': ofEva,
  'timm-eva-map': ofEva,
  'timm-clip': ['no bias in patch_embed.proj: zeros'],
  'timm-dinov3': [turned, unbiased, folded],
  'timm-dinov3-map': [turned, unbiased, folded],
  'timm-dinov3-token': [turned, unbiased, folded],
  'timm-dinov3-swiglu': [turned, unbiased, folded],
  'huggingface-clip': ['no bias in patch_embed.proj, head: zeros'],
  'huggingface-clip-whole': [
    'no bias in patch_embed.proj, head: zeros',
    'not used: the tower of texts (22 tensors)',
  ],
  'huggingface-siglip-whole': ['not used: the tower of texts (24 tensors)'],
  'huggingface-clip-classifier': [
    "taken for transformers' CLIPForImageClassification, whose head reads the mean of the patches before the last norm; else teacher.hints.pool",
    'no bias in patch_embed.proj: zeros',
    'not used: vision_model.post_layernorm.bias, vision_model.post_layernorm.weight',
  ],
  'huggingface-siglip-classifier': [
    "taken for transformers' SiglipForImageClassification, whose head reads the mean of the normalised tokens; else teacher.hints.pool",
    'not used: vision_model.head.attention.in_proj_bias, vision_model.head.attention.in_proj_weight, vision_model.head.attention.out_proj.bias, vision_model.head.attention.out_proj.weight, vision_model.head.layernorm.bias, vision_model.head.layernorm.weight and 5 more',
  ],
  'huggingface-clip-tower': ['no bias in patch_embed.proj: zeros'],
  openclip: ['no bias in patch_embed.proj, head: zeros'],
  'huggingface-dinov2': [folded],
  'huggingface-dinov3': [turned, 'no bias in k_proj: zeros', folded],
  'huggingface-dinov3-bare': [turned, 'no bias in k_proj: zeros', folded],
  'huggingface-dinov2-swiglu': [folded],
  'huggingface-dinov2-registers': [folded],
  'timm-beit': [unplacedAll, 'no bias in k: zeros', folded],
  'timm-beit-token': [unplacedAll, 'no bias in k: zeros', folded],
  'timm-beit-shared': [unplacedAll, copied, 'no bias in k: zeros'],
  'timm-beit-positions': [unbiased, folded],
  'timm-beit-rectangular': [unplacedAll, 'no bias in k: zeros', folded],
  'timm-beit-swiglu': [unplacedAll, 'no bias in k: zeros', folded],
  'huggingface-beit': [unplacedAll, 'no bias in key: zeros', folded],
  'huggingface-beit-in-memory': [unplacedAll, 'no bias in k_proj: zeros', folded],
  'huggingface-beit-shared': [copied, 'no bias in key: zeros', folded],
  'huggingface-beit-shared-in-memory': [copied, 'no bias in k_proj: zeros', folded],
  'huggingface-beit-token': [unplacedAll, 'no bias in key: zeros'],
  'huggingface-beit-positions': ['no bias in key: zeros', folded],
  'huggingface-beit-backbone': [unplacedAll, 'no bias in key: zeros', folded],
  'huggingface-data2vec': [unplacedAll, 'no bias in key: zeros', folded],
  'huggingface-data2vec-in-memory': [unplacedAll, 'no bias in key: zeros', folded],
  'huggingface-no-qkv-bias': ['no bias in query, key, value: zeros'],
};

describeOnEachEngine('checkpoint: logits of the libraries’ own classes', () => {
  const refused = new Set(['huggingface-deit']);
  for (const [name, reference] of Object.entries(cases)) {
    if (refused.has(name)) continue;
    const { library, hints, imageSize = square, logits } = reference;
    it(`gives those of ${name} (${library})`, async () => {
      const found = await logitsOf(name, hints, imageSize, reference);
      const worst = largestError(found.values, logits);
      assert.ok(worst < 1e-4, `differs by ${worst}`);
      assert.deepEqual(found.notes, notes[name] ?? []);
    });
  }

  it('refuses a DeiT of transformers whose distillation token no head reads', async () => {
    const { hints } = cases['huggingface-deit']!;
    await assert.rejects(
      logitsOf('huggingface-deit', hints, square),
      /a distillation token \(deit\.embeddings\.distillation_token\) and no head that reads it.*DeiTForImageClassificationWithTeacher/s,
    );
  });

  it('is told by hints what no weight tells, and is wrong by far without them', async () => {
    for (const [name, hint] of [
      ['timm-avg-norm', { pool: 'class-token' }],
      ['timm-fc-norm', { pool: 'class-token' }],
      ['timm-fc-norm-token', { pool: 'mean' }],
      ['timm-quick-gelu', { gelu: 'exact' }],
    ] as const) {
      const { hints, logits } = cases[name]!;
      const { values } = await logitsOf(name, { ...hints, ...hint }, square);
      assert.ok(largestError(values, logits) > 1e-3, name);
    }
    const { pool, ...hints } = cases['timm-fc-norm']!.hints;
    assert.equal(pool, 'mean');
    await assert.rejects(
      inspectCheckpoint(join(folder, 'timm-fc-norm.safetensors'), { hints }),
      /teacher\.hints\.pool: class-token, mean or max/,
    );
  });
});
