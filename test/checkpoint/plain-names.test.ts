import assert from 'node:assert/strict';
import { tinyArchitecture } from '../support/checkpoints.ts';
import { multihead, ones, renamed, split, weights, type Renames } from './plain-model.ts';
import { namesRig } from './names-rig.ts';

const { width } = tinyArchitecture;

describe('checkpoint: names of people’s own models', () => {
  const { inspected, assertReads, refusal } = namesRig();

  const layouts: Readonly<Record<string, Renames>> = {
    'nn.MultiheadAttention and a Sequential': multihead,
    'a model of its own below a prefix': Object.fromEntries(
      Object.entries(multihead).map(([key, name]) => [key, `module.${name}`]),
    ),
    'timm’s names with another attention': {
      ...Object.fromEntries(Object.keys(multihead).map((key) => [key, key])),
      'blocks.{i}.attn.qkv': 'blocks.{i}.attn.in_proj',
      'blocks.{i}.attn.proj': 'blocks.{i}.attn.out_proj',
    },
    'blocks that hold sub-blocks with norms': {
      ...multihead,
      'blocks.{i}.norm1': 'transformer_encoder.{i}.msa_block.layer_norm',
      'blocks.{i}.attn.qkv': 'transformer_encoder.{i}.msa_block.multihead_attn.in_proj',
      'blocks.{i}.attn.proj': 'transformer_encoder.{i}.msa_block.multihead_attn.out_proj',
      'blocks.{i}.norm2': 'transformer_encoder.{i}.mlp_block.layer_norm',
      'blocks.{i}.mlp.fc1': 'transformer_encoder.{i}.mlp_block.mlp.0',
      'blocks.{i}.mlp.fc2': 'transformer_encoder.{i}.mlp_block.mlp.3',
      'patch_embed.proj': 'patch_embedding.patcher',
      norm: 'classifier.0',
      head: 'classifier.1',
    },
    'numbered layers and a fused product': {
      ...multihead,
      'blocks.{i}.norm1': 'layer_{i}.ln1',
      'blocks.{i}.attn.qkv': 'layer_{i}.attention.qkv',
      'blocks.{i}.attn.proj': 'layer_{i}.attention.proj',
      'blocks.{i}.norm2': 'layer_{i}.ln2',
      'blocks.{i}.mlp.fc1': 'layer_{i}.ffn.linear_1',
      'blocks.{i}.mlp.fc2': 'layer_{i}.ffn.linear_2',
    },
  };
  for (const [title, table] of Object.entries(layouts)) {
    it(`reads ${title}`, async () => {
      const inspection = await inspected(renamed(table));
      assert.equal(inspection.naming, 'pytorch');
      assert.deepEqual(inspection.architecture, tinyArchitecture);
      await assertReads(renamed(table));
    });
  }

  it('reads separate q, k and v, and tokens and positions with or without leading ones', async () => {
    const tensors = split(renamed(multihead));
    const flat = (name: string, ...shape: number[]) => ({ shape, data: tensors[name]!.data });
    tensors['embedding.class_token'] = flat('embedding.class_token', width);
    tensors['embedding.position_embeddings'] = flat('embedding.position_embeddings', 5, width);
    await assertReads(tensors);
  });

  it('says what it assumes: pre-norm, and the order of a fused product that is no nn.MultiheadAttention', async () => {
    const table = layouts['numbered layers and a fused product']!;
    const { notes } = await inspected(renamed(table), { hints: { normFirst: undefined } });
    assert.ok(notes.includes('attention.qkv is taken to hold all queries, then all keys, then all values'));
    assert.ok(notes.some((note) => /\(pre-norm\) is assumed; teacher\.hints\.normFirst/.test(note)));
  });

  it('asks of nn.TransformerEncoderLayer what no weight tells, and refuses post-norm', async () => {
    const tensors = renamed({
      ...multihead,
      'blocks.{i}.mlp.fc1': 'encoder.layers.{i}.linear1',
      'blocks.{i}.mlp.fc2': 'encoder.layers.{i}.linear2',
    });
    await assertReads(tensors);
    for (const missing of [{ normFirst: undefined }, { gelu: undefined }]) {
      const message = await refusal(inspected(tensors, { hints: missing }));
      assert.match(message, /post-norm and ReLU/);
      assert.match(message, /teacher\.hints: \{ normFirst: true, gelu: exact \|/);
    }
    for (const any of [tensors, weights])
      assert.match(
        await refusal(inspected(any, { hints: { normFirst: false } })),
        /post-norm is not supported/,
      );
  });

  it('refuses vit-pytorch where it is another function: norms around the patch embedding, heads of their own size', async () => {
    const listed = {
      ...multihead,
      'blocks.{i}.norm1': 'transformer.layers.{i}.0.norm',
      'blocks.{i}.attn.qkv': 'transformer.layers.{i}.0.to_qkv',
      'blocks.{i}.attn.proj': 'transformer.layers.{i}.0.to_out.0',
      'blocks.{i}.norm2': 'transformer.layers.{i}.1.net.0',
      'blocks.{i}.mlp.fc1': 'transformer.layers.{i}.1.net.1',
      'blocks.{i}.mlp.fc2': 'transformer.layers.{i}.1.net.4',
      norm: 'transformer.norm',
      head: 'mlp_head',
    };
    const tensors = renamed(listed);
    await assertReads(tensors);
    const normed = {
      ...tensors,
      'to_patch_embedding.3.weight': ones(width),
      'to_patch_embedding.3.bias': ones(width),
    };
    assert.match(
      await refusal(inspected(normed)),
      /LayerNorms around its linear layer \[to_patch_embedding\.3\]/,
    );
    const wide = { ...tensors, 'transformer.layers.0.0.to_out.0.weight': ones(width, 64) };
    assert.match(await refusal(inspected(wide)), /heads of together 64 numbers .* in a stream of 8/);
  });

  it('asks for one of several models, and takes the prefix', async () => {
    const both = { ...renamed(multihead), ...renamed(Object.fromEntries(Object.entries(multihead).map(([key, name]) => [key, `ema.${name}`]))) }; // prettier-ignore
    assert.match(await refusal(inspected(both)), /2 encoders.*teacher\.hints\.prefix/s);
    await assertReads(both, { hints: { prefix: 'ema' } });
  });

  it('takes no part for a known one because a name is near: two norms or none end in a refusal that lists them', async () => {
    const second = { ...renamed(multihead), 'encoder.layer_norm.weight': ones(width), 'encoder.layer_norm.bias': ones(width) }; // prettier-ignore
    const message = await refusal(inspected(second));
    assert.match(message, /no known Vision Transformer/);
    assert.match(message, /\n {4}encoder\.layers\.\{i\}\.self_attn\.in_proj \[24, 8\]/);
    assert.match(message, /teacher\.names:\n {4}cls_token: 'embedding\.class_token'\n/);
    assert.match(message, /\n {4}norm: '\?'\n/);
    const names = { ...multihead, norm: 'encoder.norm' };
    await assertReads(second, { names, hints: { ignore: ['encoder.layer_norm'] } });
  });

  it('lists what is there where the class token has a name that nothing knows', async () => {
    const message = await refusal(inspected(renamed({ ...multihead, cls_token: 'zeroth' })));
    assert.match(message, /positions for 5 tokens/);
    assert.match(message, /\n {4}zeroth \[1, 1, 8\]\n/);
    assert.match(message, /teacher\.names:\n {4}cls_token: '\?'\n/);
  });
});
