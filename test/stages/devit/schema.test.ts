import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../pipeline/config/load.ts';
import type { DevitConfig } from '../../../pipeline/stages/devit/schema.ts';
import { otherCheckpoints } from '../../../pipeline/stages/devit/others.ts';
import { methods } from '../../../pipeline/stages/methods.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';

describe('the config of devit', () => {
  let cwd: string;
  before(() => {
    cwd = mkdtempSync(join(tmpdir(), 'blockforge-devit-'));
  });
  after(() => rmSync(cwd, { recursive: true }));

  const load = (text: string): DevitConfig => {
    const common = 'method: devit\nteacher: { checkpoint: model }\ndata: { source: shapes }\n';
    writeFileSync(join(cwd, 'run.yaml'), common + text);
    return loadConfig('run.yaml', methods, { cwd, env: {} }).config as DevitConfig;
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
    const { students, subteachers, ensemble, energy, train } = load('devices: 4');
    assert.deepEqual([students, subteachers, ensemble.train], [['teacher'], 'restricted', 'joint']);
    assert.ok(train.weights.relations.v > train.weights.relations.q);
    // 204.3 mJ for 1.48 G multiply-adds.
    assert.ok(Math.abs(energy.perMacJ / (0.2043 / 1.48e9) - 1) < 0.02);
    assert.match(refusal(''), /devices: needs "devices"/);
  });

  it('finds checkpoints of students beside the config, and on the hub', () => {
    const config = load(
      'devices: 2\nstudents: [{ checkpoint: sub/small.safetensors }, { checkpoint: "hf:owner/name" }]',
    );
    assert.deepEqual(
      otherCheckpoints(config).map(({ key, checkpoint }) => [key, checkpoint]),
      [
        ['students[0]', join(cwd, 'sub/small.safetensors')],
        ['students[1]', 'hf:owner/name'],
      ],
    );
  });

  it('refuses a partition whose name nothing is made for, instead of writing nothing', () => {
    assert.match(refusal('devices: 2\npartition: { by: flowers }'), /run\.yaml:\d+.*partition\.by/s);
    assert.match(refusal('devices: 2\npartition: { by: file }'), /partition: needs "file"/);
  });

  it('refuses students that are no model, and random ones that are never trained', () => {
    assert.match(refusal('devices: 2\nstudents: [techer]'), /students\[0\]/);
    const random = 'students: [{ architecture: { width: 96, depth: 2, heads: 5, hidden: 96 } }]';
    assert.match(refusal(`devices: 2\n${random}`), /5 heads do not divide a width of 96/);
    const untrained = random.replace('heads: 5', 'heads: 3');
    assert.match(
      refusal(`devices: 2\n${untrained}\ntrain: { enabled: false }`),
      /train\.enabled: contradicts students\[0\]/,
    );
  });

  it('says which key of a student is unknown, and which was meant', () => {
    const said = (student: string): string => refusal(`devices: 2\nstudents:\n  - ${student}`);
    assert.match(said('{ checkpont: small }'), /:6:7 students\[0\]\.checkpont: .*did you mean "checkpoint"/);
    const near = /students\[0\]\.architecture\.hiden: unknown key; did you mean "hidden"/;
    assert.match(said('{ architecture: { width: 96, depth: 2, heads: 3, hiden: 96 } }'), near);
    assert.match(
      said('{ checkpoint: small, architecture: { width: 96, depth: 2, heads: 3, hidden: 96 } }'),
      /students\[0\]\.checkpoint: does not go with .*checkpoint, architecture, hints, names; or architecture/,
    );
    assert.match(said('{ checkpoint: small, hints: { heds: 3 } }'), /hints\.heds: .*did you mean "heads"/);
  });

  it('refuses losses whose weights are all 0 where something learns by them', () => {
    const all = 'logits: 0, hard: 0, features: 0, labels: 0';
    const weights = `weights: { ${all}, relations: { q: 0, k: 0, v: 0 } }`;
    assert.match(
      refusal(`devices: 2\ntrain: { ${weights} }`),
      /train\.weights: of logits, hard and labels are all 0.*train\.enabled: false/,
    );
    load(`devices: 2\ntrain: { enabled: false, ${weights} }`);
    const none = 'weights: { tokens: 0, labels: 0, hard: 0 }';
    assert.match(refusal(`devices: 2\nensemble: { ${none} }`), /ensemble\.weights: are all 0/);
    load(`devices: 2\nensemble: { train: frozen, ${none} }`);
    assert.match(
      refusal(`devices: 2\nfusion: { tokens: { ${none} } }`),
      /fusion\.tokens\.weights: are all 0/,
    );
    load(`devices: 2\nfusion: { heads: [ridge], tokens: { ${none} } }`);
  });

  it('refuses features and relations alone before anything runs: they teach no answers', () => {
    assert.match(refusal('devices: 2\ntrain: { weights: { logits: 0 } }'), /train\.weights/);
    assert.equal(load('devices: 2\ntrain: { weights: { logits: 0, hard: 1 } }').train.weights.hard, 1);
    assert.equal(load('devices: 2\ntrain: { enabled: false, weights: { logits: 0 } }').train.enabled, false);
  });
});
