import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldTables, type FieldTable } from '../../pipeline/checkpoint/fields.ts';
import { inspectCheckpoint, type ArchitectureHints } from '../../pipeline/checkpoint/inspect.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { fieldsText } from '../support/fields-text.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

type Fields = Readonly<Record<string, unknown>>;

const labels = ['a', 'b', 'c', 'd', 'e'];
const byIndex = Object.fromEntries(labels.map((label, index) => [index, label]));
const byName = Object.fromEntries(labels.map((label, index) => [label, index]));

const pretrained = {
  input_size: [3, 8, 8],
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  interpolation: 'bicubic',
  crop_pct: 0.9,
  crop_mode: 'center',
};
const timmArguments = { num_heads: 2, act_layer: 'gelu', norm_layer: 'layernorm' };
const timm = {
  architecture: 'vit_own',
  global_pool: 'token',
  model_args: timmArguments,
  pretrained_cfg: pretrained,
};
const huggingface = {
  model_type: 'vit',
  num_attention_heads: 2,
  layer_norm_eps: 1e-6,
  hidden_act: 'gelu',
  image_size: 8,
};
const processor = { image_processor_type: 'ViTImageProcessor', size: 8, resample: 2 };

/** A file that is read without complaint, and where in it the fields of a table stand. */
interface Place {
  readonly table: FieldTable;
  readonly files: (fields: Fields) => Readonly<Record<string, Fields>>;
  readonly prefix: string;
  /** For each field that is used, a value that changes what is found, or is refused; null takes the field away. */
  readonly other: Fields;
  /** Fields that count only beside others. */
  readonly beside?: Readonly<Record<string, Fields>>;
}

const places: readonly Place[] = [
  {
    table: fieldTables.timmConfig,
    files: (fields) => ({ 'config.json': { ...timm, ...fields } }),
    prefix: '',
    other: {
      architecture: 'vit_srelpos_own',
      model_args: { ...timmArguments, num_heads: 4 },
      pretrained_cfg: { ...pretrained, crop_pct: 0.5 },
      label_names: labels,
      labels,
      label_descriptions: { a: 'the first' },
      global_pool: 'avg',
      id2label: byIndex,
      label2id: byName,
    },
    beside: { label_descriptions: { label_names: labels } },
  },
  {
    table: fieldTables.timmPretrained,
    files: (fields) => ({ 'config.json': { ...timm, pretrained_cfg: { ...pretrained, ...fields } } }),
    prefix: 'pretrained_cfg.',
    other: {
      input_size: [3, 16, 16],
      test_input_size: [3, 'x', 8],
      crop_pct: 0.5,
      test_crop_pct: 'x',
      crop_mode: 'border',
      interpolation: 'box',
      mean: [0.1, 0.1, 0.1],
      std: [0, 1, 1],
      label_names: labels,
      labels,
      label_descriptions: { a: 'the first' },
    },
    beside: {
      label_descriptions: { label_names: labels },
      test_crop_pct: { input_size: [3, 16, 16], test_input_size: [3, 8, 8] },
    },
  },
  {
    table: fieldTables.timmArguments,
    files: (fields) => ({ 'config.json': { ...timm, model_args: { ...timmArguments, ...fields } } }),
    prefix: 'model_args.',
    other: {
      num_heads: 4,
      act_layer: 'relu',
      norm_layer: 'rmsnorm',
      img_size: [8, 9],
      global_pool: 'avg',
    },
  },
  {
    table: fieldTables.huggingfaceConfig,
    files: (fields) => ({ 'config.json': { ...huggingface, ...fields } }),
    prefix: '',
    other: {
      hidden_act: 'gelu_fast',
      num_attention_heads: '2',
      layer_norm_eps: 1e-12,
      image_size: 9,
      id2label: byIndex,
      label2id: byName,
    },
  },
  {
    table: fieldTables.processorConfig,
    files: (fields) => ({
      'config.json': huggingface,
      'preprocessor_config.json': { ...processor, ...fields },
    }),
    prefix: '',
    other: {
      image_processor_type: 'ConvNextImageProcessor',
      feature_extractor_type: 'ConvNextFeatureExtractor',
      do_resize: false,
      size: { shortest_edge: 8 },
      default_to_square: false,
      resample: 5,
      do_center_crop: true,
      crop_size: { height: 9, width: 8 },
      do_rescale: false,
      rescale_factor: 1 / 127.5,
      do_normalize: false,
      image_mean: [0, 0, 0],
      image_std: 1,
      data_config: pretrained,
      pretrained_cfg: pretrained,
    },
    beside: {
      feature_extractor_type: { image_processor_type: null },
      crop_size: { do_center_crop: true },
      data_config: { image_processor_type: 'TimmWrapperImageProcessor' },
      pretrained_cfg: { image_processor_type: 'TimmWrapperImageProcessor' },
    },
  },
];

describe('the fields beside weights', () => {
  let folder: string;
  const found = async (
    files: Readonly<Record<string, Fields>>,
    hints: ArchitectureHints = {},
  ): Promise<string> => {
    await rm(join(folder, 'preprocessor_config.json'), { force: true });
    for (const [name, fields] of Object.entries(files))
      await writeFile(join(folder, name), JSON.stringify(fields));
    try {
      const inspection = await inspectCheckpoint(folder, { hints });
      const { architecture, preprocessing, preprocessingProblem } = inspection;
      return JSON.stringify([architecture, preprocessing, preprocessingProblem, inspection.classLabels()]);
    } catch (error) {
      if (!(error instanceof BlockForgeError)) throw error;
      return error.message;
    }
  };
  /** Refused, now or when the preparation is relied on. */
  const refuses = (text: string, name: string) =>
    (text.includes('ignoreFields') || text.includes('expected')) && text.includes(name);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-fields-'));
    await writeSafetensors(join(folder, 'model.safetensors'), strongWeights(tinyArchitecture));
  });
  after(() => rm(folder, { recursive: true }));

  for (const { table, files, prefix, other, beside = {} } of places) {
    describe(table.title, () => {
      it('uses what it says is used: another value is another result, or refused by name', async () => {
        assert.deepEqual(Object.keys(other).sort(), Object.keys(table.used).sort());
        for (const field of Object.keys(table.used)) {
          const context = beside[field] ?? {};
          const plain = await found(files(context));
          const changed = await found(files({ ...context, [field]: other[field] }));
          assert.notEqual(changed, plain, `${prefix}${field} is read and then dropped`);
        }
      });

      it('refuses by name what contradicts the weights', async () => {
        const others = { mlpRatio: 1.5, isClassTokenUnplaced: false, gated: false, registers: 0 };
        const right: Fields = { ...tinyArchitecture, ...others };
        for (const [field, fact] of Object.entries(table.agrees)) {
          assert.equal(await found(files({ [field]: right[fact] })), await found(files({})), field);
          const text = await found(files({ [field]: 7 }));
          assert.ok(refuses(text, `${prefix}${field} 7`), text);
          assert.match(text, /as the weights have it|the weights have/);
        }
        const tensors = Object.keys(strongWeights(tinyArchitecture)).join('\n').split('\n');
        for (const [field, pattern] of Object.entries(table.shown)) {
          const isThere = tensors.some((name) => pattern.test(name)) || field === 'qkv_bias';
          assert.equal(await found(files({ [field]: isThere })), await found(files({})), field);
          const text = await found(files({ [field]: !isThere }));
          assert.ok(refuses(text, `${prefix}${field} ${!isThere}`), text);
        }
      });

      it('refuses by name what may have one value only', async () => {
        for (const [field, values] of Object.entries(table.only)) {
          for (const value of [...values, null])
            assert.ok(!refuses(await found(files({ [field]: value })), `${prefix}${field} `), field);
          const text = await found(files({ [field]: 'something else' }));
          assert.ok(refuses(text, `${prefix}${field} `), text);
        }
      });

      it('does not mind what cannot matter', async () => {
        const all = Object.fromEntries(table.harmless.map((field) => [field, 'anything']));
        assert.equal(await found(files(all)), await found(files({})));
      });

      it('refuses a field that it does not know, unless the user vouches for it', async () => {
        const strange = files({ window_attention: 7 });
        const text = await found(strange);
        assert.ok(refuses(text, `${prefix}window_attention 7`), text);
        assert.ok(text.includes(`ignoreFields: [${prefix}window_attention]`), text);
        assert.equal(
          await found(strange, { ignoreFields: [`${prefix}window_attention`] }),
          await found(files({})),
        );
        assert.equal(await found(files({ window_attention: null })), await found(files({})));
        assert.match(await found(files({}), { ignoreFields: ['windows'] }), /ignoreFields: "windows"/);
      });
    });
  }

  it('takes positions with and without one for the class token as the config says', async () => {
    const own = join(folder, 'unplaced');
    await mkdir(own);
    const weights = strongWeights(tinyArchitecture);
    const { shape, data } = present(weights.pos_embed);
    const [, tokens, width] = shape as [number, number, number];
    const patches = { shape: [1, tokens - 1, width], data: data.slice(width) };
    await writeSafetensors(join(own, 'model.safetensors'), { ...weights, pos_embed: patches });
    const tell = (no_embed_class: boolean) =>
      writeFile(
        join(own, 'config.json'),
        JSON.stringify({ ...timm, model_args: { ...timmArguments, no_embed_class } }),
      );
    await tell(true);
    const { notes } = await inspectCheckpoint(own);
    assert.ok(notes.includes('the class token has no position: zeros'), notes.join());
    await tell(false);
    await assert.rejects(inspectCheckpoint(own), /no_embed_class false.*true, as the weights have it/s);
  });

  it('takes no_embed_class for that of registers where there is no class token, and for nothing without either', async () => {
    const fixtures = join(import.meta.dirname, '../fixtures/teachers');
    const tell = async (fixture: string, no_embed_class: boolean) => {
      const model_args = { num_heads: 2, act_layer: 'gelu', norm_layer: 'layernorm', global_pool: 'avg' };
      const own = await mkdtemp(join(folder, 'registers-'));
      await copyFile(join(fixtures, `${fixture}.safetensors`), join(own, 'model.safetensors'));
      const args = { ...model_args, class_token: false, no_embed_class };
      await writeFile(
        join(own, 'config.json'),
        JSON.stringify({ architecture: 'vit_own', model_args: args }),
      );
      return inspectCheckpoint(own);
    };
    await tell('timm-gap', true);
    await tell('timm-gap', false);
    await tell('timm-gap-registers', true);
    await assert.rejects(tell('timm-gap-registers', false), /no_embed_class false.*true, as the weights/s);
    await tell('timm-gap-registers-placed', false);
    await assert.rejects(tell('timm-gap-registers-placed', true), /no_embed_class true.*false, as the weig/s);
  });

  it('names each field in one row only', () => {
    for (const { title, used, agrees, shown, only, harmless } of Object.values(fieldTables)) {
      const all = [...[used, agrees, shown, only].flatMap((row) => Object.keys(row)), ...harmless];
      assert.deepEqual(all, [...new Set(all)], title);
    }
  });

  it('stand in docs/teacher-fields.md as they stand in the table', async () => {
    const path = join(import.meta.dirname, '../../docs/teacher-fields.md');
    const text = await readFile(path, 'utf8');
    const [before = '', rest = ''] = text.split('<!-- fields -->\n');
    const [, after = ''] = rest.split('<!-- /fields -->');
    const wanted = `${before}<!-- fields -->\n\n${fieldsText()}<!-- /fields -->${after}`;
    if (process.env.UPDATE_FIXTURES !== undefined) await writeFile(path, wanted);
    else assert.equal(text, wanted, 'UPDATE_FIXTURES=1 writes it anew');
  });
});
