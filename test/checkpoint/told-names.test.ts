import assert from 'node:assert/strict';
import { parse } from 'yaml';
import type { InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import type { NamedArrays } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { multihead, ones, renamed, split, type Renames } from './plain-model.ts';
import { namesRig } from './names-rig.ts';

const { width } = tinyArchitecture;

describe('checkpoint: names that are told', () => {
  const { inspected, assertReads, refusal } = namesRig();

  it('proposes lines that are YAML, and right but for what is not known', async () => {
    const tensors = split(renamed(multihead));
    const second = {
      ...tensors,
      'encoder.layer_norm.weight': ones(width),
      'encoder.layer_norm.bias': ones(width),
    };
    const message = await refusal(inspected(second));
    const lines = parse(
      message.slice(message.indexOf('teacher.names:') + 'teacher.names:'.length),
    ) as Renames;
    assert.deepEqual(lines['blocks.{i}.attn.qkv'], ['w_q', 'w_k', 'w_v'].map((name) => `encoder.layers.{i}.self_attn.${name}`)); // prettier-ignore
    const unknown = { norm: 'encoder.norm' };
    assert.deepEqual(Object.keys(lines).filter((key) => lines[key] === '?'), Object.keys(unknown)); // prettier-ignore
    await assertReads(second, { names: { ...lines, ...unknown }, hints: { ignore: ['encoder.layer_norm'] } });
  });

  it('reads whatever teacher.names says, below the prefix where there is one', async () => {
    const odd: Renames = Object.fromEntries(
      Object.keys(multihead).map((key, at) => [key, key.startsWith('blocks') ? `t.{i}.p${at}x` : `p${at}x`]),
    );
    await assertReads(renamed(odd), { names: odd });
    const below = Object.fromEntries(
      Object.entries(renamed(odd)).map(([name, tensor]) => [`net.${name}`, tensor]),
    );
    await assertReads({ ...below, 'other.w': ones(3) }, { names: odd, hints: { prefix: 'net.' } });
    const { cls_token: token, ...usual } = odd;
    const untold = Object.entries(renamed(odd)).map(([name, tensor]) => [
      name === token ? 'cls_token' : name,
      tensor,
    ]);
    await assertReads(Object.fromEntries(untold) as NamedArrays, { names: usual });
  });

  it('reads the rarer parts that teacher.names says: gates, registers, a norm before the blocks', async () => {
    const rare: Architecture = {
      ...tinyArchitecture,
      gated: true,
      gelu: 'silu',
      registers: 2,
      normPre: true,
    };
    const expected = strongWeights(rare);
    const names: Renames = {
      ...multihead,
      reg_token: 'scratch',
      norm_pre: 'first_norm',
      'blocks.{i}.mlp.gate': 'encoder.layers.{i}.mlp.gates',
    };
    const options = { names, hints: { gelu: 'silu' } } as const;
    assert.deepEqual((await inspected(renamed(names, expected), options)).architecture, rare);
    await assertReads(renamed(names, expected), options, expected);
  });

  it('refuses one tensor for two parts, told or not', async () => {
    const tensors = renamed(multihead);
    const refused = (names: InspectOptions['names']) =>
      refusal(inspected(tensors, { names: { ...multihead, ...names } }), 'config-invalid');
    assert.match(
      await refused({ norm_pre: 'encoder.norm' }),
      /^teacher\.names\.norm_pre: the tensor encoder\.norm\.weight, which is norm, too/,
    );
    assert.match(await refused({ reg_token: 'embedding.class_token' }), /which is cls_token, too/);
    const others = Object.fromEntries(Object.entries(multihead).filter(([key]) => key !== 'norm'));
    const untold = { ...tensors, 'norm.weight': ones(width), 'norm.bias': ones(width) };
    const twice = inspected(untold, { names: { ...others, norm_pre: 'norm' } });
    assert.match(await refusal(twice, 'config-invalid'), /norm\.weight, which is norm, too/);
    const layers = ['a', 'b', 'a'].map(
      (name) => `encoder.layers.{i}.self_attn.w_${name === 'a' ? 'q' : 'k'}`,
    );
    const repeated = inspected(split(tensors), { names: { ...multihead, 'blocks.{i}.attn.qkv': layers } });
    assert.match(await refusal(repeated, 'config-invalid'), /w_q\.weight, which is told twice/);
  });

  it('says in which order it takes what is in one, and what follows pre_logits', async () => {
    const fused = { ...multihead, 'blocks.{i}.attn.qkv': 'encoder.layers.{i}.qkv' };
    const { notes } = await inspected(renamed(fused), { names: fused });
    assert.ok(
      notes.includes('encoder.layers.{i}.qkv is taken to hold all queries, then all keys, then all values'),
    );
    const known = await inspected(renamed(multihead), { names: multihead });
    assert.ok(!known.notes.some((note) => note.includes('queries')));
    const representation: Architecture = { ...tinyArchitecture, representation: 6 };
    const extra = { ...multihead, pre_logits: 'between' };
    const found = await inspected(renamed(extra, strongWeights(representation)), { names: extra });
    assert.ok(found.notes.includes('tanh is taken to follow pre_logits'));
  });

  it('refuses keys, names and patterns of teacher.names that mean nothing', async () => {
    const tensors = renamed(multihead);
    const refused = (names: InspectOptions['names']) =>
      refusal(inspected(tensors, { names }), 'config-invalid');
    assert.match(
      await refused({ 'blocks.{i}.mlp.fc3': 'x' }),
      /^teacher\.names\.blocks\.\{i\}\.mlp\.fc3: no part/,
    );
    assert.match(await refused({ nrom: 'encoder.norm' }), /^teacher\.names\.nrom: .*did you mean norm\?/);
    assert.match(await refused({ norm: 'encoder.nrom' }), /^teacher\.names\.norm: .*no tensor encoder\.nrom\.weight.*\n {4}encoder\.norm \[8\]/s); // prettier-ignore
    assert.match(await refused({ 'blocks.{i}.norm1': 'encoder.layers.0.norm1' }), /a name with one \{i\}/);
    assert.match(await refused({ norm: 'encoder.{i}.norm' }), /a name without \{i\}/);
    assert.match(await refused({ 'blocks.{i}.attn.qkv': ['a{i}', 'b{i}'] }), /a list of 2 names/);
    assert.match(await refused({ norm: ['a', 'b', 'c'] }), /a list of 3 names/);
  });
});
