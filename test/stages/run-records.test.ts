import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { splitNames } from '../../datasets/contract.ts';
import type { Library } from '../../pipeline/library/open.ts';
import { recordDone, type DoneRecord } from '../../pipeline/runner/publish.ts';
import { stages } from '../../pipeline/stages/blocks/graph.ts';
import { splitFile, splitsJob } from '../../pipeline/stages/common/artefacts.ts';
import { sourceOfRun } from '../../pipeline/stages/run-records.ts';
import { sha256, type Sha256 } from '../../pipeline/util/hash.ts';
import { vitBase } from '../support/checkpoints.ts';
import { planInput } from './blocks/plan-input.ts';
import { present } from '../support/present.ts';

describe('the records of a run', () => {
  let run: string;
  const manifestSha256 = sha256('manifest');
  const library = (hash: Sha256 = manifestSha256) =>
    ({ folder: join(run, 'library'), manifestSha256: hash }) as unknown as Library;
  const items = {
    train: [],
    calibration: [],
    selection: [{ id: 'a', label: 1, sha256: sha256('a') }],
    test: [],
  };

  /** What the runner writes when the export job of this config is done. */
  async function finishExport(config: object): Promise<void> {
    const input = planInput(config, vitBase);
    const job = present(stages.find(({ name }) => name === 'export')).plan(input)[0]!;
    await recordDone(run, {
      format: 1,
      job: job.id,
      madeFrom: { settings: job.settings },
      outputs: [{ path: 'manifest.json', sizeBytes: 8, sha256: manifestSha256 }],
    } as unknown as DoneRecord);
  }
  function drawSplits(): void {
    mkdirSync(join(run, splitsJob), { recursive: true });
    for (const name of splitNames) {
      writeFileSync(join(run, splitsJob, splitFile(name)), JSON.stringify({ items: items[name] }));
    }
  }

  beforeEach(() => {
    run = mkdtempSync(join(tmpdir(), 'run-records-'));
    mkdirSync(join(run, 'export', 'library'), { recursive: true });
  });
  afterEach(() => rmSync(run, { recursive: true }));

  it('tell where the images of its library are, as the export wrote it', async () => {
    await finishExport({ seed: 9, data: { source: 'idx', path: '/images' }, measure: { batchSize: 20 } });
    drawSplits();
    const source = present(await sourceOfRun(library()));
    assert.deepEqual(
      [source.origin, source.seed, source.batchSize, source.data.path],
      [run, 9, 20, '/images'],
    );
    assert.deepEqual(source.items, items);
  });

  it('say nothing of another library, of one that lies in no run, and without the splits', async () => {
    assert.equal(await sourceOfRun(library()), undefined, 'no run');
    await finishExport({});
    assert.equal(await sourceOfRun(library()), undefined, 'no splits');
    drawSplits();
    assert.notEqual(await sourceOfRun(library()), undefined);
    assert.equal(await sourceOfRun(library(sha256('another'))), undefined);
  });

  it('count for every method that makes a library, and for none that makes none', async () => {
    const config = planInput({ seed: 3 }, vitBase).loaded.config;
    mkdirSync(join(run, 'pack', 'all'), { recursive: true });
    await recordDone(run, {
      format: 1,
      job: 'pack/all',
      madeFrom: { settings: { config } },
      outputs: [{ path: 'manifest.json', sizeBytes: 8, sha256: manifestSha256 }],
    } as unknown as DoneRecord);
    drawSplits();
    assert.equal(await sourceOfRun(library(), [{}]), undefined);
    assert.equal(present(await sourceOfRun(library(), [{}, { library: 'pack/all' }])).seed, 3);
  });
});
