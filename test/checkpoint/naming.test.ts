import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint, type ArchitectureHints } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { asHuggingface, strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

const bare: ArchitectureHints = { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact' };
const hints: ArchitectureHints = { ...bare, imageSize: 8, pool: 'class-token' };
const weights = strongWeights(tinyArchitecture);
const { width, depth } = tinyArchitecture;

type Rename = (name: string) => string;
const renamed = (tensors: NamedArrays, rename: Rename): NamedArrays =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), tensor]));
const below = (prefix: string, tensors: NamedArrays = weights) => renamed(tensors, (name) => prefix + name);
const without = (tensors: NamedArrays, pattern: RegExp): NamedArrays =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !pattern.test(name)));
const ones = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
});

describe('checkpoint: names, heads and what is not there', () => {
  let root: string;
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'blockforge-naming-'));
  });
  after(() => rm(root, { recursive: true }));

  async function fileOf(tensors: NamedArrays): Promise<string> {
    const path = join(root, `${count++}.safetensors`);
    await writeSafetensors(path, tensors);
    return path;
  }
  const inspected = async (tensors: NamedArrays, more: ArchitectureHints = {}) =>
    inspectCheckpoint(await fileOf(tensors), { hints: { ...hints, ...more } });

  async function refusal(promise: Promise<unknown>): Promise<string> {
    let message = '';
    await assert.rejects(promise, (error) => {
      assert.ok(error instanceof BlockForgeError, String(error));
      message = error.message;
      return true;
    });
    return message;
  }

  async function assertSame(tensors: NamedArrays, notes: readonly string[], more?: ArchitectureHints) {
    const inspection = await inspected(tensors, more);
    const read = await readTeacher(inspection);
    assert.deepEqual(
      Object.fromEntries(Object.entries(read).map(([name, { data }]) => [name, data])),
      Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data])),
    );
    assert.deepEqual(inspection.notes, notes);
  }

  for (const prefix of [
    'net.',
    'backbone.',
    'encoder.',
    'base_model.model.',
    'ema_model.module.',
    'my.own.wrapper.',
  ]) {
    it(`reads a model wherever it lies: below ${prefix}, whatever library’s`, async () => {
      const notes = [`the model is what lies below "${prefix}"`];
      await assertSame(below(prefix), notes);
      await assertSame(below(prefix, asHuggingface(weights)), notes);
    });
  }

  it('reads the head beside or around the model, under any usual name, in a Sequential or not', async () => {
    const beside = renamed(weights, (name) => (name.startsWith('head') ? name : `backbone.${name}`));
    await assertSame(beside, ['the model is what lies below "backbone."', 'the head is "head"']);
    for (const head of ['head.1', 'classifier', 'classifier.1', 'fc', 'heads.head', 'head.fc', 'linear']) {
      const tensors = renamed(weights, (name) => name.replace(/^head\./, `${head}.`));
      await assertSame(tensors, [`the head is "${head}"; a Sequential around it is taken to be dropout`]);
    }
  });

  it('asks which of several models or heads is meant, and takes the answer', async () => {
    const both = { ...below('student.'), ...below('teacher.') };
    const message = await refusal(inspected(both));
    assert.match(message, /2 models, below "student\." and "teacher\."/);
    assert.match(message, /--set teacher\.hints\.prefix=teacher\./);
    for (const prefix of ['student.', 'teacher']) {
      const { notes } = await inspected(both, { prefix });
      assert.match(notes[0]!, new RegExp(`below "${prefix}`));
      assert.match(notes[1]!, /^not used: .* and \d+ more/);
    }
    assert.equal((await inspected({ ...weights, ...below('ema.') }, { prefix: '' })).notes.length, 1);
    assert.match(await refusal(inspected(both, { prefix: 'pupil.' })), /"student\." and "teacher\."/);
    const heads = {
      ...without(weights, /^head/),
      'head.0.weight': ones(5, width),
      'fc.weight': ones(5, width),
    };
    const which = await refusal(inspected(heads));
    assert.match(which, /2 matrices that may be the head: .*head\.0\.weight/);
    assert.match(which, /teacher\.hints\.ignore/);
    const layers = {
      ...without(weights, /^head/),
      'head.0.weight': ones(7, width),
      'head.2.weight': ones(5, 7),
    };
    assert.match(await refusal(inspected(layers)), /unknown head\.2\.weight/);
  });

  it('takes biases that no block has as zeros, and never those of norms or of one block', async () => {
    const zeroed = (pattern: RegExp) =>
      Object.fromEntries(
        Object.entries(weights).map(([name, { shape, data }]) => [
          name,
          { shape, data: pattern.test(name) ? new Float32Array(data.length) : data },
        ]),
      );
    for (const [layer, pattern] of [
      ['attn.qkv', /qkv\.bias/],
      ['attn.proj', /attn\.proj\.bias/],
      ['mlp.fc1', /fc1\.bias/],
      ['mlp.fc2', /fc2\.bias/],
      ['patch_embed.proj', /patch_embed\.proj\.bias/],
      ['head', /head\.bias/],
    ] as const) {
      const inspection = await inspected(without(weights, pattern));
      assert.deepEqual(inspection.notes, [`no bias in ${layer}: zeros`]);
      const read = await readTeacher(inspection);
      for (const [name, { data }] of Object.entries(zeroed(pattern))) {
        assert.deepEqual(read[name]!.data, data, name);
      }
    }
    const keyless = await inspected(without(asHuggingface(weights), /key\.bias/));
    assert.deepEqual(keyless.notes, ['no bias in key: zeros']);
    assert.match(
      await refusal(inspected(without(weights, /1\.attn\.qkv\.bias/))),
      /missing blocks\.1\.attn\.qkv\.bias/,
    );
    const normless = await refusal(inspected(without(weights, /norm\d?\.bias/)));
    assert.match(normless, /RMSNorms.*convert-checkpoint\.py .* --zero-norm-bias/);
  });

  it('folds LayerScale exactly, under each of its names, and says so', async () => {
    const scale = { shape: [width], data: Float32Array.from({ length: width }, (_, i) => 0.3 + 0.1 * i) };
    for (const names of [
      ['ls1.gamma', 'ls2.gamma'],
      ['gamma_1', 'gamma_2'],
    ]) {
      const tensors: NamedArrays = { ...weights };
      for (let block = 0; block < depth; block++)
        for (const name of names) tensors[`blocks.${block}.${name}`] = scale;
      const inspection = await inspected(tensors);
      assert.deepEqual(inspection.notes, ['LayerScale is folded into attn.proj and mlp.fc2']);
      const read = await readTeacher(inspection);
      const { data } = weights['blocks.1.mlp.fc2.weight']!;
      const columns = data.length / width;
      assert.deepEqual(
        read['blocks.1.mlp.fc2.weight']!.data,
        data.map((value, i) => Math.fround(value * scale.data[Math.floor(i / columns)]!)),
      );
      const bias = weights['blocks.0.attn.proj.bias']!.data;
      assert.deepEqual(
        read['blocks.0.attn.proj.bias']!.data,
        bias.map((value, i) => Math.fround(value * scale.data[i]!)),
      );
      assert.deepEqual(read['blocks.0.mlp.fc1.weight']!.data, weights['blocks.0.mlp.fc1.weight']!.data);
    }
  });

  it('leaves out counters and other tasks’ tensors, and refuses by name what could matter', async () => {
    const counters: NamedArrays = {
      n_averaged: { shape: [], data: Int32Array.of(3) },
      'head.0.num_batches_tracked': { shape: [1], data: Int32Array.of(3) },
      flags: { shape: [3], data: new Uint8Array(3) },
      'criterion.weight': ones(5),
      mask_token: ones(1, 1, width),
    };
    const { notes } = await inspected({ ...weights, ...counters });
    assert.equal(notes.length, 1);
    for (const name of Object.keys(counters))
      assert.equal(notes[0]!.includes(name), name !== 'mask_token', name);
    for (const name of ['neck.weight', 'blocks.0.attn.gate', 'loss_head.weight']) {
      const message = await refusal(inspected({ ...weights, [name]: ones(1) }));
      assert.ok(message.includes(`unknown ${name}`), message);
      assert.ok(message.includes(`--set 'teacher.hints.ignore=[${name}]'`), message);
      await inspected({ ...weights, [name]: ones(1) }, { ignore: [name] });
    }
    assert.match(await refusal(inspected(weights, { ignore: ['nekc'] })), /teacher\.hints\.ignore: "nekc"/);
  });

  it('gives no line to paste that would leave out what changes the answer', async () => {
    const norm = ones(width);
    const extras: readonly NamedArrays[] = [
      { temperature: ones(1) },
      { mean: ones(1) },
      { pixel_std: ones(1, 3, 1, 1) },
      { 'neck.0.running_var': norm },
      { 'neck.0.weight': norm, 'neck.0.bias': norm },
      { 'blocks.1.ls1.gamma': norm },
      renamed(weights, (name) => name.replace('blocks.1.', 'blocks.3.')),
    ];
    for (const extra of extras) {
      const message = await refusal(inspected({ ...weights, ...extra }));
      assert.match(message, /next: (?:norms, scales and statistics change|blocks are numbered from 0)/);
      assert.doesNotMatch(message, /ignore=/);
    }
    const many = Object.fromEntries([...Array(9).keys()].map((index) => [`neck.${index}`, ones(1)]));
    assert.match(await refusal(inspected({ ...weights, ...many })), /ignore=\[neck\.0, .*, neck\.8\]'/);
  });

  it('takes layers before the head for dropout only where one at most is there, or the user says so', async () => {
    const tensors = renamed(weights, (name) => name.replace(/^head\./, 'head.2.'));
    const message = await refusal(inspected(tensors));
    assert.match(message, /head head\.2, which 2 layers without weights come before/);
    assert.match(message, /teacher\.hints: \{ head: head\.2 \}/);
    await assertSame(tensors, ['the head is "head.2"'], { head: 'head.2' });
    assert.match(await refusal(inspected(tensors, { head: 'head.1' })), /teacher\.hints\.head: "head\.1"/);
  });

  it('leaves out the decoders of masked pre-training, and no other, which may come after the head', async () => {
    const masked: NamedArrays = {
      'decoder_blocks.0.norm1.weight': ones(4),
      'decoder_pred.weight': ones(4, 4),
    };
    const { notes } = await inspected({ ...weights, ...masked, 'decoder.decoder_layers.0.w': ones(3) });
    assert.equal(notes.length, 1);
    for (const name of ['decoder.weight', 'decoder_head.weight', 'decoder.0.weight'])
      assert.ok((await refusal(inspected({ ...weights, [name]: ones(3, 5) }))).includes(`unknown ${name}`));
  });

  it('says what nothing tells: the size of the images, and what the head reads', async () => {
    const path = await fileOf(weights);
    const said = [
      'nothing tells the size of the images: a square of 8 and a position for the class token are assumed; else teacher.hints.imageSize',
      'nothing tells what the head reads: the class token is assumed; else teacher.hints.pool: mean or max',
    ];
    assert.deepEqual((await inspectCheckpoint(path, { hints: bare })).notes, said);
    assert.deepEqual((await inspectCheckpoint(path, { hints: { ...bare, imageSize: 8 } })).notes, [said[1]]);
    assert.deepEqual((await inspectCheckpoint(path, { hints })).notes, []);
    const libraries = await inspectCheckpoint(await fileOf(asHuggingface(weights)), { hints: bare });
    assert.deepEqual(libraries.notes, [said[0]]);
  });

  it('stops at more blocks than anybody has, whatever else is in the file', async () => {
    const blocks = [...Array(3000).keys()].map(
      (index) => [`blocks.${index}.norm1.weight`, ones(width)] as const,
    );
    assert.match(
      await refusal(inspected({ ...weights, ...Object.fromEntries(blocks) })),
      /more than 1,000 blocks/,
    );
  });

  it('reads past tensors of types that only newer formats have, and refuses them where they are needed', async () => {
    for (const [dtype, bytes] of [
      ['F8_E4M3', 8],
      ['F4', 4],
      ['F6_E2M3', 6],
      ['BOOL', 8],
      ['I64', 64],
    ] as const) {
      const folder = join(root, `shards-${dtype}`);
      const rest = async (name: string, other: NamedArrays) => {
        const header = Buffer.from(
          JSON.stringify({ [name]: { dtype, shape: [8], data_offsets: [0, bytes] } }),
        );
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(header.length));
        await writeSafetensors(join(folder, 'weights.safetensors'), other);
        await writeFile(
          join(folder, 'odd.safetensors'),
          Buffer.concat([length, header, Buffer.alloc(bytes)]),
        );
        const map = { ...Object.fromEntries(Object.keys(other).map((key) => [key, 'weights.safetensors'])), [name]: 'odd.safetensors' }; // prettier-ignore
        await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
        return inspectCheckpoint(folder, { hints });
      };
      assert.deepEqual((await rest('unused', weights)).notes, ['not used: unused'], dtype);
      const needed = without(weights, /^norm\.bias$/);
      assert.ok((await refusal(rest('norm.bias', needed))).includes(`norm.bias is ${dtype}`), dtype);
    }
  });

  it('refuses weights that are not finite, with tensor and index', async () => {
    for (const value of [NaN, Infinity]) {
      const data = weights['blocks.1.mlp.fc1.weight']!.data.slice();
      data[7] = value;
      const { shape } = weights['blocks.1.mlp.fc1.weight']!;
      const inspection = await inspected({ ...weights, 'blocks.1.mlp.fc1.weight': { shape, data } });
      const message = await refusal(readTeacher(inspection));
      assert.ok(message.includes(`tensor blocks.1.mlp.fc1.weight: ${value} at index 7`), message);
    }
  });
});
