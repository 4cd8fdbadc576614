import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobPlan, JobContext, Stage } from '../../pipeline/runner/contract.ts';
import { toJobFailure } from '../../pipeline/runner/job-failure.ts';
import { performJob } from '../../pipeline/runner/perform-job.ts';
import { run, type RunOutcome } from '../../pipeline/runner/run.ts';
import { job } from './rig.ts';

/** Other bytes of the same size and with the same time of modification. */
function tamper(path: string): void {
  const { atime, mtime, size } = statSync(path);
  const bytes = readFileSync(path);
  bytes[size - 1]! ^= 1;
  writeFileSync(path, bytes);
  utimesSync(path, atime, mtime);
}

describe('inputs of a job', () => {
  let runFolder: string;
  /** What happens to the files while a job is at work. */
  let meanwhile: Record<string, () => void>;
  beforeEach(() => {
    runFolder = mkdtempSync(join(tmpdir(), 'blockforge-inputs-'));
    meanwhile = {};
  });
  afterEach(() => rmSync(runFolder, { recursive: true }));

  const names = ['data', 'refit', 'rank'] as const;
  const stages: readonly Stage<readonly JobPlan[]>[] = names.map((name) => ({
    name,
    version: 1,
    plan: (jobs) => jobs.filter(({ id }) => id.startsWith(`${name}/`)),
    work: () =>
      Promise.resolve({
        run(planned: JobPlan, context: JobContext) {
          writeFileSync(join(context.folder, 'small.json'), planned.id);
          writeFileSync(join(context.folder, 'large.bin'), new Uint8Array(2 ** 20 + 1));
          meanwhile[planned.id]?.();
          return Promise.resolve({});
        },
      }),
  }));
  const jobs = [
    job('data/splits'),
    job('refit/a', { needs: ['data/splits'] }),
    job('rank/all', { needs: ['data/splits', 'refit/a'], folder: 'library' }),
  ];
  const start = (from?: string): Promise<RunOutcome> =>
    run({
      ...{ stages, input: jobs, name: 'inputs', engine: 'any', runFolder, from },
      executor: {
        slots: 1,
        async submit(request, watcher) {
          watcher.onStart(0);
          try {
            const done = await performJob(request, {
              ...{ stages, runFolder, signal: new AbortController().signal },
              ...{ progress: () => undefined, warn: () => undefined },
            });
            return { type: 'finished', ...done, engine: null };
          } catch (error) {
            return { type: 'failed', ...toJobFailure(request.job.id, error, runFolder) };
          }
        },
        abort: () => undefined,
        kill: () => undefined,
        close: () => Promise.resolve(),
      },
    });
  const failed = ({ failures }: RunOutcome) =>
    failures.map(({ job: id, failure }) => `${id}: ${failure.subject.slice(runFolder.length + 1)}`);

  for (const file of ['small.json', 'large.bin']) {
    it(`stop it where ${file} changed after it was recorded, by name, and --from mends it`, async () => {
      // The change comes after the start of the run has found everything up to date.
      meanwhile['refit/a'] = () => tamper(join(runFolder, 'data/splits', file));
      const outcome = await start();
      assert.deepEqual(failed(outcome), [`refit/a: data/splits/${file}`]);
      const { failure } = outcome.failures[0]!;
      assert.equal(failure.found, 'it was changed after data/splits recorded it');
      assert.match(failure.next ?? '', /--from data/);
      meanwhile = {};
      const again = await start('data');
      assert.deepEqual([again.ran, again.failed], [3, 0]);
    });
  }

  it('stop the next job, too, and a plain command makes them again', async () => {
    meanwhile['refit/a'] = () => rmSync(join(runFolder, 'data/splits/large.bin'));
    assert.deepEqual(failed(await start()), ['refit/a: data/splits/large.bin']);
    meanwhile = {};
    assert.deepEqual(failed(await start()), []);
  });

  it('are the same after a change of times alone', async () => {
    meanwhile['refit/a'] = () => utimesSync(join(runFolder, 'data/splits/large.bin'), 1, 1);
    const outcome = await start();
    assert.deepEqual([outcome.ran, outcome.failed], [3, 0]);
  });

  it('that were tampered with before a run are made again', async () => {
    await start();
    tamper(join(runFolder, 'refit/a/large.bin'));
    const again = await start();
    assert.deepEqual([again.ran, again.fresh, again.failed], [1, 2, 0], 'the same bytes came out again');
  });

  it('are read whole where the output is handed on, whatever their times say', async () => {
    await start();
    // As if the clock had been set back for the change: only reading can tell.
    const record = join(runFolder, 'data/splits/done.json');
    const large = join(runFolder, 'data/splits/large.bin');
    tamper(large);
    const { mtimeMs, ctimeMs } = statSync(large);
    const done = JSON.parse(readFileSync(record, 'utf8')) as { outputs: { path: string }[] };
    for (const output of done.outputs)
      if (output.path === 'large.bin') Object.assign(output, { mtimeMs, ctimeMs });
    writeFileSync(record, JSON.stringify(done));
    rmSync(join(runFolder, 'library/small.json'));
    meanwhile['rank/all'] = () => assert.fail('the job must not start');
    assert.deepEqual(failed(await start()), ['rank/all: data/splits/large.bin']);
  });
});
