import assert from 'node:assert/strict';
import { readdirSync, utimesSync } from 'node:fs';
import { basename } from 'node:path';
import type { PulseRecord } from '../../pipeline/runner/pulse-record.ts';
import { clearPulses, readPulses } from '../../pipeline/runner/read-pulses.ts';
import { elsewhere, failure, FolderOfARun, gone, morning } from '../cli/status/folder-of-a-run.ts';

describe('pulses', () => {
  let folder: FolderOfARun;
  beforeEach(() => {
    folder = new FolderOfARun();
  });
  afterEach(() => folder.dispose());

  const alive = async (): Promise<Record<string, boolean>> =>
    Object.fromEntries(
      (await readPulses(folder.path)).map(({ file, alive }) => [basename(file, '.json'), alive]),
    );

  it('of this machine live with their process, however old; of another one while their file is young', async () => {
    assert.deepEqual(await readPulses(folder.path), []);
    folder.pulse('run-here-silent', {}, 3600);
    folder.pulse('run-here-gone', { owner: gone });
    folder.pulse('worker-far', { kind: 'worker', owner: elsewhere }, 30);
    folder.pulse('worker-far-silent', { kind: 'worker', owner: elsewhere }, 120);
    folder.pulse('run-job-far-ended', { kind: 'run-job', owner: elsewhere, ended: 'failed' });
    assert.deepEqual(await alive(), {
      'run-here-silent': true,
      'run-here-gone': false,
      'worker-far': true,
      'worker-far-silent': false,
      'run-job-far-ended': false,
    });
    const found = await readPulses(folder.path);
    const silent = found.find(({ file }) => file.includes('far-silent'));
    assert.ok(silent !== undefined && silent.age >= 119 && silent.age < 180);
    assert.equal(readdirSync(`${folder.path}/.status`).length, 5, 'the file that told the time is gone');
  });

  it('that are torn, of another format, or no files are left out', async () => {
    folder.write('.status/run-torn.json', '{"format":1,');
    folder.write('.status/run-other.json', { format: 2 });
    folder.write('.status/run-folder.json/x', '');
    folder.write('.status/plan.json', '{}');
    assert.deepEqual(await readPulses(folder.path), []);
  });

  it('of the dead are cleared at the start of a run, of one job at that of the job', async () => {
    folder.pulse('run-here', {});
    folder.pulse('run-dead', { owner: gone });
    folder.pulse('worker-far', { kind: 'worker', owner: elsewhere });
    const ended: Partial<PulseRecord> = {
      kind: 'run-job',
      ended: 'failed',
      failures: [{ job: 'a/x', time: morning, failure }],
    };
    folder.pulse('run-job-a--x-1', { ...ended, job: 'a/x' });
    folder.pulse('run-job-a--x-y-1', { ...ended, job: 'a/x-y' });
    const old = folder.write('.status/run-old.json.tmp-0123abcd', '');
    utimesSync(old, 1e9, 1e9);
    await clearPulses(folder.path, 'a/x');
    assert.deepEqual(Object.keys(await alive()).sort(), [
      'run-dead',
      'run-here',
      'run-job-a--x-y-1',
      'worker-far',
    ]);
    await clearPulses(folder.path);
    assert.deepEqual(readdirSync(`${folder.path}/.status`).sort(), ['run-here.json', 'worker-far.json']);
  });
});
