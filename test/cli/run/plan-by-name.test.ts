import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { packageFolder } from '../../../pipeline/util/package.ts';
import { join } from 'node:path';
import { namedArchitecture } from '../../../pipeline/checkpoint/architectures.ts';
import { present } from '../../support/present.ts';
import { prepareRun } from '../../../pipeline/cli/run/prepare.ts';
import { showPlan } from '../../../pipeline/cli/run/show-plan.ts';
import { displayWidth } from '../../../pipeline/terminal/width.ts';
import { fakeTerminal } from '../../terminal/events.ts';

const variables = ['IMAGENET', 'VIT_TINY', 'TINY_IMAGENET_40', 'FASHION_MNIST'];
const configs = readdirSync(join(packageFolder, 'configs')).filter((file) => file.endsWith('.yaml'));

describe('a plan by a name alone', () => {
  const environment = { ...process.env };
  before(() => variables.forEach((name) => Reflect.deleteProperty(process.env, name)));
  after(() => void Object.assign(process.env, environment));

  const around = (columns: number) => {
    const stdout = { ...fakeTerminal(), columns };
    const stderr = fakeTerminal();
    const unheard = new AbortController().signal;
    return { stdout, stderr, cwd: packageFolder, unheard, commands: ['run', 'plan'] };
  };
  const planned = async (config: string, columns = 80, overrides: readonly string[] = []) => {
    const screen = around(columns);
    const source = { config, overrides: ['engine=wasm', ...overrides], runs: join(tmpdir(), 'no-runs-here') };
    const prepared = await prepareRun(source, screen, undefined, true);
    assert.equal(await showPlan({ json: false }, prepared, screen), 0);
    const { assumed, missing, input } = prepared;
    return { text: screen.stdout.text(), assumed, missing, input };
  };

  for (const config of configs) {
    it(`shows ${config} without weights, data or variables at hand, in lines of 80 columns`, async () => {
      const { text } = await planned(config);
      assert.match(text, /jobs, \d+ to do: about .*of\s+memory, .*of\s+disk/s);
      // Only what is copied whole is wider: a path, a setting.
      const wide = text.split('\n').filter((line) => displayWidth(line) > 80);
      assert.deepEqual(
        wide.filter((line) => line.trim().includes(' ')),
        [],
      );
    });
  }

  it('says what it assumed', async () => {
    const { text, assumed, input } = await planned('vit-tiny-in1k');
    assert.deepEqual(assumed, [
      'VIT_TINY is not set',
      '$VIT_TINY/model.safetensors is not there: its sizes are those of vit_tiny_patch16_224, with 1,000 classes',
      "$VIT_TINY/photos is not there: as many images as the config asks for, and the teacher's classes",
    ]);
    assert.match(text, /Assumed, as it is not at hand\n {2}VIT_TINY is not set\n/);
    assert.equal(input.architecture.width, 192);
  });

  it('says on top what it was made from, and what a run needs', async () => {
    const tiny = await planned('vit-tiny-in1k', 200);
    const [, second] = tiny.text.split('\n');
    assert.equal(
      second,
      'planned from the name vit_tiny_patch16_224 alone: neither weights nor images were at hand',
    );
    assert.match(
      tiny.text,
      /To run it\n {2}teacher\.checkpoint: put it to \$VIT_TINY\/model\.safetensors, or VIT_TINY=FOLDER, or --set teacher\.checkpoint=PATH/,
    );
    const base = await planned('vit-b16');
    assert.deepEqual(base.missing, [
      {
        key: 'teacher.checkpoint',
        path: join(packageFolder, 'checkpoints/vit-b16/model.safetensors'),
        architecture: 'vit_base_patch16_224',
        variable: undefined,
      },
      { key: 'data.path', path: join(packageFolder, 'datasets/imagenet'), variable: 'IMAGENET' },
    ]);
    const whole = await planned('demo');
    assert.deepEqual(whole.missing, []);
    assert.doesNotMatch(whole.text, /planned from|To run it/);
  });

  it('says which part is at hand', async () => {
    const teacher = join(packageFolder, 'checkpoints', 'demo-teacher', 'model.safetensors');
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-plan-'));
    try {
      const withTeacher = join(folder, 'with-teacher.yaml');
      const data = 'data: { source: folder, path: nowhere }';
      writeFileSync(withTeacher, `teacher: { checkpoint: ${teacher} }\n${data}\n`);
      const { text, missing } = await planned(withTeacher, 200);
      assert.match(text, /\nplanned without images: none were at hand\n/);
      assert.deepEqual(missing, [{ key: 'data.path', path: join(folder, 'nowhere'), variable: undefined }]);
      const withImages = join(folder, 'with-images.yaml');
      const named = '{ checkpoint: nowhere, architecture: vit_base_patch32_224 }';
      const drawn = '{ source: products, splits: { calibration: 60, selection: 20, test: 20 } }';
      writeFileSync(withImages, `teacher: ${named}\ndata: ${drawn}\n`);
      const other = await planned(withImages, 200);
      assert.match(
        other.text,
        /\nplanned from the name vit_base_patch32_224 alone: no weights were at hand\n/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses a published name of another kind of model by what it is', async () => {
    await assert.rejects(planned('vit_base_r50_s16_224'), /vit_base_r50_s16_224: a convolutional network/);
    const given = ['teacher.architecture=vit_base_patch16_rpn_224'];
    await assert.rejects(planned('vit-b16', 80, given), /norms behind attention and FFN/);
  });

  it('knows the Swins of torchvision, and says what a Swin v2 is', async () => {
    for (const [name, depth] of [
      ['swin_t', 12],
      ['swin_s', 24],
      ['swin_b', 24],
    ] as const) {
      // prettier-ignore
      const { input } = await planned(name);
      assert.deepEqual([input.architecture.family, input.architecture.depth], ['swin', depth]);
    }
    await assert.rejects(planned('swinv2_tiny_window8_256'), /swinv2_tiny_window8_256: a Swin v2/);
    await assert.rejects(planned('swin_v2_t'), /swin_v2_t: a Swin v2/);
    await assert.rejects(planned('eva02_base_patch14_224'), /rotary positions beside learned ones/);
    const patches = /patches of 14 pixels do not divide images of 384, whose last rows/;
    await assert.rejects(planned('vit_so400m_patch14_siglip_384'), patches);
  });

  it('says where the name of a repository belongs, and what other names there are', async () => {
    for (const id of [
      'facebook/dinov2-base',
      'hf:google/siglip-base-patch16-224',
      'openai/clip-vit-base-patch16@main',
    ])
      await assert.rejects(
        planned(id),
        ({ message }: Error) =>
          message.includes(`--set teacher.checkpoint=hf:${id.replace(/^hf:/, '')} `) &&
          message.includes('repository of the Hugging Face hub') &&
          message.includes('vit_base_patch16_224'),
      );
    await assert.rejects(
      planned('resnet_50'),
      /no name of an architecture that is known.*vit_base_patch16_224/s,
    );
    await assert.rejects(planned('configs/vit_b17'), /no such config in configs/);
  });

  it('gives a model that no weights have a classifier of no classes', async () => {
    const { assumed } = await planned('vit_base_patch16_siglip_224');
    assert.match(assumed.join(), /sizes are those of vit_base_patch16_siglip_224, without a classifier/);
    assert.doesNotMatch(assumed.join(), /1,000 classes/);
  });

  it('tells who runs a name that it can be planned', async () => {
    const source = { config: 'vit_small_patch16_224', overrides: [], runs: tmpdir() };
    await assert.rejects(prepareRun(source, around(80)), /can be planned; .*--plan vit_small_patch16_224/s);
  });

  it('takes the name of an architecture for one', async () => {
    const { assumed, input } = await planned('vit_small_patch16_224');
    assert.match(assumed[0]!, /names an architecture: planned as configs\/vit-b16\.yaml/);
    assert.equal(input.loaded.name, 'vit_small_patch16_224');
    assert.equal(input.architecture.width, 384);
  });

  for (const name of [
    'deit_base_distilled_patch16_384',
    'vit_giant_patch14_reg4_dinov2',
    'vit_large_patch16_dinov3',
    'vit_huge_patch14_clip_quickgelu_378',
    'vit_so400m_patch16_siglip_512',
    'vit_base_patch16_rope_reg1_gap_256',
  ])
    it(`plans ${name}`, async () => {
      const { text, input } = await planned(name);
      assert.match(text, /jobs, \d+ to do: about .*of\s+memory, .*of\s+disk/s);
      const { width, hidden, imageSize } = present(namedArchitecture(name)).facts;
      const { architecture } = input;
      assert.deepEqual(
        [architecture.width, architecture.hidden, architecture.imageSize],
        [width, hidden, imageSize],
      );
    });

  it('plans features where no weights of that name have a classifier', async () => {
    const { input, assumed } = await planned('vit_small_patch14_dinov2');
    assert.match(assumed[0]!, /such a teacher, which has no classifier/);
    assert.equal(input.architecture.answer, 'pooled');
    assert.equal(input.architecture.classes, 384);
    assert.equal(input.inputs.classes.names.length, 1000);
    const fitted = await planned('dinov2-b14', 80, ['teacher.head={ train: true }']);
    assert.equal(fitted.input.architecture.classes, 1000);
  });

  it('assumes nothing where all is there', async () => {
    const { assumed } = await planned('demo');
    assert.deepEqual(assumed, []);
  });

  it('stays refused where it is not only shown, and where nothing says what is missing', async () => {
    const refused = async (config: string, overrides: readonly string[], mayAssume: boolean) =>
      assert.rejects(
        prepareRun(
          { config, overrides, runs: join(tmpdir(), 'no-runs-here') },
          around(80),
          undefined,
          mayAssume,
        ),
        {
          name: 'BlockForgeError',
        },
      );
    await refused('vit-b16', [], false);
    await refused('vit-tiny-in1k', [], false);
    await refused('vit_small_patch16_224', [], false);
    await refused('demo', ['teacher.checkpoint=nowhere'], true);
    await refused('no-such-config', [], true);
  });
});
