import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scores } from '../../../../pipeline/measure/scores.ts';
import type { Job, JobContext } from '../../../../pipeline/runner/contract.ts';
import { measureJob, profileJob, type RankingFile } from '../../../../pipeline/stages/blocks/artefacts.ts';
import { run, type RankSettings } from '../../../../pipeline/stages/blocks/work/rank.ts';
import { writeScores } from '../../../../pipeline/stages/blocks/work/scores.ts';
import { teacherJob } from '../../../../pipeline/stages/common/artefacts.ts';
import { vitBase } from '../../../support/checkpoints.ts';

describe('the work of rank', () => {
  let folder: string;
  const warnings: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rank-'));
    warnings.length = 0;
    for (const job of [teacherJob, profileJob, measureJob(0)])
      mkdirSync(join(folder, job), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const scores = (kl: number): Scores => ({
    correct: Uint8Array.of(1, 1, 0, 1),
    agree: Uint8Array.of(1, 1, 1, 1),
    kl: new Float32Array(4).fill(kl),
  });

  it('gives a record to every block that was measured, and a place to all but the own ones of the teacher', async () => {
    const write = (path: string, value: unknown) => writeFileSync(join(folder, path), JSON.stringify(value));
    write(join(teacherJob, 'teacher.json'), { architecture: { ...vitBase, depth: 2, hidden: 8 } });
    const times = [8, 4].map((hidden) => ({ hidden, p50: hidden, p90: hidden }));
    write(join(profileJob, 'latency.json'), { widths: times });
    const context = {
      folder,
      input: (job: string, file: string) => join(folder, job, file),
      optionalInput: () => undefined,
      warn: (text: string) => warnings.push(text),
    } as unknown as JobContext;
    // Block 1 failed.
    const models = new Map([
      ['teacher', scores(0)],
      ['block-00/w0004', scores(0.1)],
    ]);
    await writeScores(
      { ...context, folder: join(folder, measureJob(0)) },
      { ids: ['a', 'b', 'c', 'd'], models },
    );
    const settings: RankSettings = {
      resource: 'params',
      confidence: 0.95,
      steps: [{ sparsity: 0.5, width: 4 }],
      contexts: [{ name: 'teacher', width: 8 }],
      distilled: true,
      shards: 1,
    };
    const summary = await run({ settings } as unknown as Job<RankSettings>, context);
    assert.deepEqual(summary, { descendants: 1, dominated: 0 });
    const found = JSON.parse(readFileSync(join(folder, 'ranking.json'), 'utf8')) as RankingFile;
    assert.deepEqual(
      Object.entries(found.descendants).map(([id, { ranked }]) => [id, ranked?.rank ?? null]),
      [
        ['block-00/w0008', null],
        ['block-00/w0004', 1],
        ['block-01/w0008', null],
      ],
    );
    assert.deepEqual([found.uniform[0]?.refit, found.allocated, found.additivity], [undefined, [], null]);
    assert.match(warnings[0] ?? '', /^1 of 1 descendants: 4 selection images cannot tell/);
  });
});
