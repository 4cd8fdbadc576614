import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../pipeline/config/load.ts';
import type { LoadOptions } from '../../pipeline/config/load.ts';
import { blocks } from '../../pipeline/stages/methods.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';

const minimal = 'teacher: { checkpoint: teacher.safetensors }\ndata: { source: idx, path: images }\n';

describe('config/load', () => {
  let cwd: string;
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  };
  const load = (name: string, options: LoadOptions = {}) =>
    loadConfig(name, [blocks], { cwd, env: {}, searchFolder: join(cwd, 'configs'), ...options });
  const failureOf = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      if (error instanceof BlockForgeError) return error.failure;
      throw error;
    }
    throw new Error('nothing failed');
  };

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'blockforge-config-'));
  });
  afterEach(() => {
    rmSync(cwd, { recursive: true });
  });

  it('completes a minimal config and makes its paths absolute', () => {
    write('sub/vit mini.yaml', minimal);
    const { config, name, file } = load('sub/vit mini.yaml');
    assert.equal(name, 'vit-mini');
    assert.equal(file, join(cwd, 'sub/vit mini.yaml'));
    assert.equal(config.teacher.checkpoint, join(cwd, 'sub/teacher.safetensors'));
    assert.equal(config.data.path, join(cwd, 'sub/images'));
    assert.deepEqual(config.descendants.sparsities, [0.4, 0.5, 0.6, 0.7]);
    assert.deepEqual(config.distill.duration, { epochs: 10 });
  });

  it('takes the name from the config where it gives one', () => {
    write('a.yaml', `${minimal}name: tiny.v2\n`);
    assert.equal(load('a.yaml').name, 'tiny.v2');
  });

  it('looks a bare name up in the current folder, then in configs/, with or without its ending', () => {
    write('configs/tiny.yaml', minimal);
    write('configs/huge.yml', minimal);
    assert.equal(load('tiny.yaml').file, join(cwd, 'configs/tiny.yaml'));
    assert.equal(load('tiny').file, join(cwd, 'configs/tiny.yaml'));
    assert.equal(load('huge').file, join(cwd, 'configs/huge.yml'));
    write('tiny.yaml', minimal);
    assert.equal(load('tiny').file, join(cwd, 'tiny.yaml'));
  });

  it('lists what exists and the nearest name when a config is not there', () => {
    write('configs/vit-b16.yaml', minimal);
    write('other.yaml', minimal);
    assert.deepEqual(
      failureOf(() => load('vit-b61.yaml')),
      {
        reason: 'file-missing',
        subject: 'vit-b61.yaml',
        found: `no such config in ${cwd} or configs`,
        expected: `other.yaml (in ${cwd}); vit-b16.yaml (in configs)`,
        next: 'did you mean vit-b16.yaml?',
      },
    );
    assert.equal(failureOf(() => load('nowhere/x.yaml')).expected, 'a YAML file; there is none there');
  });

  it('takes one mean and deviation for all channels as a number or a list', () => {
    const how = '{ resize: null, crop: 32, mean: 0.5, std: [0.25] }';
    write('numbers.yaml', minimal.replace('path: images', `path: images, preprocessing: ${how}`));
    const { preprocessing } = load('numbers.yaml').config.data;
    assert.ok(typeof preprocessing === 'object');
    assert.deepEqual([preprocessing.mean, preprocessing.std], [[0.5], [0.25]]);
    const wrong = (value: string) =>
      failureOf(() => load('numbers.yaml', { overrides: [`data.preprocessing.std=${value}`] }));
    assert.match(JSON.stringify(wrong('0')), /preprocessing\.std.*more than 0/);
    assert.match(JSON.stringify(wrong('x')), /preprocessing\.std.*a number/);
  });

  it('merges what it extends, deep, the nearer file winning, lists replaced', () => {
    write('base/root.yaml', `${minimal}seed: 7\nmeasure: { batchSize: 10, confidence: 0.9 }\n`);
    write('base/middle.yaml', 'extends: root.yaml\nseed: 8\ndescendants: { sparsities: [0.2, 0.3] }\n');
    write(
      'top.yaml',
      'extends: base/middle.yaml\nmeasure: { batchSize: 20 }\ndescendants: { sparsities: [0.9] }\n',
    );
    const { config, name } = load('top.yaml');
    assert.equal(name, 'top');
    assert.equal(config.seed, 8);
    assert.deepEqual(
      [config.measure.batchSize, config.measure.confidence, config.descendants.sparsities],
      [20, 0.9, [0.9]],
    );
    assert.equal(config.data.path, join(cwd, 'base/images'), 'relative to the file it was written in');
  });

  it('drops an inherited alternative when a later layer chooses the other', () => {
    write('base.yaml', `${minimal}distill: { duration: { epochs: 5 } }\n`);
    write('top.yaml', 'extends: base.yaml\ndistill: { duration: { steps: 100 } }\n');
    assert.deepEqual(load('top.yaml').config.distill.duration, { steps: 100 });
    const overridden = load('top.yaml', { overrides: ['distill.duration.epochs=0.5'] });
    assert.deepEqual(overridden.config.distill.duration, { epochs: 0.5 });
    const train =
      'teacher.train={architecture: {imageSize: 8, patchSize: 4, width: 8, depth: 1, heads: 2, hidden: 8, classes: 2}}';
    assert.equal(load('base.yaml', { overrides: [train] }).config.teacher.checkpoint, undefined);
  });

  it('reads overrides as YAML, the last one winning, their paths relative to the current folder', () => {
    write('sub/a.yaml', minimal);
    const overrides = [
      'seed=3',
      'seed=4',
      'distill.enabled=false',
      'descendants.sparsities=[0.25, 0.75]',
      'statistics.tokensPerImage=null',
      'data.path=elsewhere',
    ];
    const { config } = load('sub/a.yaml', { overrides });
    assert.equal(config.seed, 4);
    assert.equal(config.distill.enabled, false);
    assert.deepEqual(config.descendants.sparsities, [0.25, 0.75]);
    assert.equal(config.statistics.tokensPerImage, null);
    assert.equal(config.data.path, join(cwd, 'elsewhere'));
  });

  it('leaves to the system what cannot be read: no mistake in a config', function () {
    if (process.platform !== 'linux') this.skip();
    assert.throws(() => load('/proc/self/mem'), { code: 'EIO', path: '/proc/self/mem' });
  });

  it('expands the environment in texts, after merging', () => {
    write('base.yaml', minimal.replace('images', '"${UNSET_BUT_REPLACED}"'));
    write('a.yaml', 'extends: ${WHICH}.yaml\ndata: { path: "${ROOT:-/data}/x-${KIND:-idx}" }\n');
    assert.equal(load('a.yaml', { env: { WHICH: 'base' } }).config.data.path, '/data/x-idx');
    const env = { WHICH: 'base', ROOT: '', KIND: 'gz' };
    assert.equal(load('a.yaml', { env }).config.data.path, '/data/x-gz', 'empty counts as unset');
    const relative = load(join(cwd, 'a.yaml'), {
      env: { WHICH: join(cwd, 'base'), ROOT: 'here' },
      cwd: join(cwd, '..'),
    });
    assert.equal(
      relative.config.data.path,
      join(cwd, '../here/x-idx'),
      'what the shell gave is relative to it',
    );
    write(
      'b.yaml',
      minimal.replace('path: images', () => 'path: "$${RAW}"'),
    );
    assert.equal(load('b.yaml').config.data.path, join(cwd, '${RAW}'));
  });

  it('leaves hub names and absolute paths alone and knows the home folder', () => {
    write('a.yaml', 'teacher: { checkpoint: "hf:owner/name@v1" }\ndata: { source: idx, path: ~/images }\n');
    const { teacher, data } = load('a.yaml').config;
    assert.equal(teacher.checkpoint, 'hf:owner/name@v1');
    assert.equal(data.path, join(homedir(), 'images'));
    const absolute = load('a.yaml', { overrides: ['data.path=/somewhere'] });
    assert.equal(absolute.config.data.path, '/somewhere');
  });

  it('reads anchors, a byte order mark and Windows line ends', () => {
    write(
      'a.yaml',
      `\uFEFF${minimal}measure: { batchSize: &b 12 }\nstatistics: { batchSize: *b }\n`.replaceAll(
        '\n',
        '\r\n',
      ),
    );
    assert.equal(load('a.yaml').config.statistics.batchSize, 12);
  });
});
