import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharp } from '../../datasets/sharp.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { smallConfig, workplace, type Workplace } from './blockforge.ts';

/** A dozen ways to be wrong, and the message each deserves: the thing, the place, what was expected, what to do. */
describe('refusals', () => {
  let place: Workplace;
  before(() => {
    place = workplace();
  });
  after(() => place.remove());

  const refuses = (
    title: string,
    code: number,
    config: () => string | Promise<string>,
    expected: RegExp[],
    ...args: string[]
  ) =>
    it(title, async () => {
      place.write('bad.yaml', await config());
      const outcome = await place.blockforge('--config', 'bad.yaml', '--quiet', ...args);
      for (const pattern of expected) assert.match(outcome.stderr + outcome.stdout, pattern);
      assert.equal(outcome.code, code, outcome.stderr);
    });

  refuses('a misspelt key, by its place', 2, () => smallConfig('distil: { }'), [
    /bad\.yaml:\d+:1/,
    /did you mean "?distill/,
  ]);
  refuses('YAML that is not YAML', 2, () => 'teacher: [', [/bad\.yaml:\d+:\d+/]);
  refuses('a value of the wrong kind', 2, () => smallConfig('seed: many'), [/bad\.yaml:\d+:\d+/, /seed/]);
  refuses(
    'a checkpoint that is not there',
    3,
    () => smallConfig().replace(/checkpoint: [^}]*/, 'checkpoint: nowhere/model.safetensors '),
    [/nowhere\/model\.safetensors/, /next:/],
  );
  refuses(
    'a pickle, unopened',
    3,
    () => {
      writeFileSync(join(place.folder, 'weights.pth'), 'not even a pickle');
      return smallConfig().replace(/checkpoint: [^}]*/, 'checkpoint: weights.pth ');
    },
    [/weights\.pth/, /scripts\/convert-checkpoint\.py/],
  );
  refuses(
    'a truncated safetensors file',
    3,
    async () => {
      const path = join(place.folder, 'cut.safetensors');
      await writeSafetensors(path, { cls_token: { shape: [1, 1, 64], data: new Float32Array(64) } });
      truncateSync(path, 100);
      return smallConfig().replace(/checkpoint: [^}]*/, 'checkpoint: cut.safetensors ');
    },
    [/cut\.safetensors/],
  );
  refuses(
    'weights of something else',
    3,
    async () => {
      await writeSafetensors(join(place.folder, 'other.safetensors'), {
        'conv1.weight': { shape: [4], data: new Float32Array(4) },
      });
      return smallConfig().replace(/checkpoint: [^}]*/, 'checkpoint: other.safetensors ');
    },
    [/other\.safetensors/],
  );
  refuses(
    'data that are not there',
    3,
    () => smallConfig().replace(/source: shapes\n {2}shapes: .*\n/, 'source: folder\n  path: no-images\n'),
    [/no-images/, /next:/],
  );
  refuses(
    'more images than there are',
    3,
    () => smallConfig().replace('selection: 200', 'selection: 200000'),
    [/selection/],
  );
  refuses(
    'corrupt images, by name',
    3,
    async () => {
      for (const name of 'abcdefghij') {
        mkdirSync(join(place.folder, 'photos', name), { recursive: true });
        for (let i = 0; i < 4; i++)
          writeFileSync(join(place.folder, 'photos', name, `${i}.jpg`), `not a JPEG ${name}${i}`);
      }
      await sharp({ create: { width: 40, height: 40, channels: 3, background: 'red' } })
        .jpeg()
        .toFile(join(place.folder, 'photos', 'a', 'good.jpg'));
      return smallConfig()
        .replace(/source: shapes\n {2}shapes: .*\n/, 'source: folder\n  path: photos\n')
        .replace(/splits: .*/, 'splits: { calibration: 2, selection: 2, test: 0 }');
    },
    [/\d\.jpg/],
  );
  refuses(
    'a single calibration image',
    2,
    () => smallConfig().replace('calibration: 200', 'calibration: 1'),
    [/data\.splits\.calibration/, /2 images at least/],
  );
  refuses(
    'two sparsities that round to one width',
    2,
    () => smallConfig().replace('[0.5, 0.75]', '[0.5, 0.501]'),
    [/0\.501/, /width/],
  );
  refuses(
    'a setting that does not exist',
    2,
    () => smallConfig(),
    [/rank\.resourse/, /did you mean/],
    '--set',
    'rank.resourse=macs',
  );
  refuses('an unknown stage', 2, () => smallConfig(), [/--from/], '--from', 'distil');

  it('follows a preset that contradicts the checkpoint, and says so', async () => {
    place.write(
      'preset.yaml',
      smallConfig().replace('source: shapes', 'source: shapes\n  preprocessing: unit'),
    );
    const outcome = await place.blockforge('--config', 'preset.yaml', '--plan');
    assert.match(
      outcome.stderr,
      /warning: images are prepared as data\.preprocessing says .* not as the checkpoint does/,
    );
    assert.equal(outcome.code, 0, outcome.stderr);
  });

  it('a library that is none', async () => {
    const outcome = await place.blockforge('show', '.');
    assert.equal(outcome.code, 3);
    assert.match(outcome.stderr, /manifest\.json/);
  });
});
