import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../pipeline/config/load.ts';
import { edVit, methods } from '../../../pipeline/stages/methods.ts';
import type { EdVitConfig } from '../../../pipeline/stages/ed-vit/schema.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';

describe('the config of ed-vit', () => {
  let cwd: string;
  before(() => {
    cwd = mkdtempSync(join(tmpdir(), 'blockforge-ed-vit-'));
  });
  after(() => rmSync(cwd, { recursive: true }));

  const load = (text: string): EdVitConfig => {
    const common = 'method: ed-vit\nteacher: { checkpoint: model }\ndata: { source: shapes }\n';
    writeFileSync(join(cwd, 'run.yaml'), common + text);
    return loadConfig('run.yaml', methods, { cwd, env: {} }).config as EdVitConfig;
  };
  const refusal = (text: string): string => {
    try {
      load(text);
    } catch (error) {
      assert.ok(error instanceof BlockForgeError);
      return error.message;
    }
    throw new Error('the config was accepted');
  };

  it('has a default for everything but the devices', () => {
    const config = load('devices: 5');
    assert.equal(config.devices, 5);
    assert.equal(config.partition.by, 'random');
    assert.match(refusal(''), /devices: needs "devices"/);
    assert.equal(edVit.name, 'ed-vit');
  });

  it('takes one deployment or several', () => {
    assert.match(
      refusal('devices: 2\nfleets: [{ devices: 3 }]'),
      /fleets: contradicts "devices": give one deployment or several/,
    );
    assert.match(
      refusal('fleets: [{ devices: 3 }, { devices: 3 }]'),
      /fleets\[1\]: "3-devices" names a fleet before it/,
    );
    assert.equal(load('fleets: [{ devices: 3 }, { devices: 3, name: other }]').fleets?.length, 2);
    // It names folders.
    assert.match(refusal('fleets: [{ name: .., devices: 3 }]'), /fleets\[0\]\.name: expected letters/);
  });

  it('says where a list of devices is wrong', () => {
    assert.match(refusal('devices: [{ name: a }, { name: a }]'), /devices\[1\]\.name: .*name of its own/);
    assert.match(refusal('devices: [{ name: a, latencyMs: 5 }]'), /macsPerSecond/);
    assert.match(refusal('devices: [{ nam: a }]'), /nam/);
    assert.match(refusal('devices: 0'), /devices/);
  });

  it('finds partition files beside the config', () => {
    const config = load(
      'fleets: [{ devices: 2, partition: { by: file, file: two.txt } }, { devices: 3 }]\npartition: { by: file, file: sub/three.txt }',
    );
    assert.equal(config.partition.file, join(cwd, 'sub/three.txt'));
    assert.equal(config.fleets?.[0]?.partition?.file, join(cwd, 'two.txt'));
    assert.match(refusal('devices: 2\npartition: { by: file }'), /partition: needs "file"/);
    assert.match(refusal('devices: 2\npartition: { file: x }'), /partition\.file: contradicts "by: random"/);
  });
});
