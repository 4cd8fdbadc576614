import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobState } from '../../pipeline/runner/contract.ts';
import { openFileDigests } from '../../pipeline/runner/file-digests.ts';
import { collectOutputs, digestOutputs } from '../../pipeline/runner/outputs.ts';
import type { Plan } from '../../pipeline/runner/plan.ts';
import { placeJobFolder, recordDone, startJobFolder } from '../../pipeline/runner/publish.ts';
import { removeLeftovers } from '../../pipeline/runner/leftovers.ts';
import { claimResumeFolder, dropResumeFolder, hasCheckpoint } from '../../pipeline/runner/resume-folder.ts';
import { inspectJob, type DecidedStatus } from '../../pipeline/runner/states.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import type { Fingerprint } from '../../pipeline/runner/fingerprint.ts';
import { job } from './rig.ts';

const planned = {
  job: job('order/a'),
  stage: 'order',
  stageVersion: 1,
  needsEngine: true,
  forced: false,
  selected: true,
} as const;
const plan: Plan = { stages: ['order'], engine: 'wasm', selection: {}, jobs: [planned] };

describe('publishing', () => {
  let runFolder: string;
  beforeEach(() => {
    runFolder = mkdtempSync(join(tmpdir(), 'blockforge-publish-'));
  });
  afterEach(() => rmSync(runFolder, { recursive: true }));

  const inspect = async (): Promise<DecidedStatus> =>
    inspectJob(plan, planned, new Map(), runFolder, await openFileDigests(runFolder));
  const is = async (state: JobState, why?: string) => {
    const status = await inspect();
    assert.deepEqual([status.state, why ?? status.why], [state, status.why]);
  };
  const path = (name: string) => join(runFolder, 'order/a', name);

  async function publish(): Promise<void> {
    const temporary = await startJobFolder(runFolder, planned.job);
    await is('missing');
    mkdirSync(join(temporary, 'deep'));
    writeFileSync(join(temporary, 'deep/weights'), 'weights');
    writeFileSync(join(temporary, 'scores'), 'scores');
    const outputs = await collectOutputs(temporary);
    await is('missing');
    await placeJobFolder(runFolder, planned.job, temporary, { outputs });
    await is('missing'); // the crash between rename and done.json
    const { fingerprint, madeFrom } = await inspect();
    await recordDone(runFolder, {
      ...{ format: 1, job: 'order/a', fingerprint, madeFrom, outputs, outputsSha256: digestOutputs(outputs) },
      ...{ seconds: 1, finishedAt: '', engine: null, summary: null, warnings: [] },
    });
    await is('fresh');
  }

  it('looks done at no moment before it is, also the second time', async () => {
    await is('missing');
    await publish();
    await publish();
    assert.deepEqual(readdirSync(join(runFolder, 'order')), ['a']);
  });

  it('notices files changed or removed by hand, not files copied or added', async () => {
    await publish();
    writeFileSync(path('note'), 'mine');
    utimesSync(path('deep/weights'), 1, 1);
    await is('fresh');
    writeFileSync(path('deep/weights'), 'weighty');
    await is('stale', 'its output deep/weights was changed');
    writeFileSync(path('deep/weights'), 'weights');
    await is('fresh');
    writeFileSync(path('scores'), 'longer scores');
    await is('stale', 'its output scores was changed');
    rmSync(path('scores'));
    await is('stale', 'its output scores is gone');
    writeFileSync(path('done.json'), '{"format": 1');
    await is('missing');
  });

  it('names outputs by content', async () => {
    await publish();
    rmSync(path('done.json'));
    const outputs = await collectOutputs(join(runFolder, 'order/a'));
    assert.deepEqual(
      outputs.map((file) => [file.path, file.sizeBytes, file.sha256]),
      [
        ['deep/weights', 7, sha256('weights')],
        ['scores', 6, sha256('scores')],
      ],
    );
    const digest = digestOutputs(outputs);
    assert.equal(digestOutputs(outputs.map((file) => ({ ...file, mtimeMs: 0 }))), digest);
    assert.notEqual(digestOutputs(outputs.map((file) => ({ ...file, path: `x${file.path}` }))), digest);
    writeFileSync(path('done.json'), '{}');
    await assert.rejects(collectOutputs(join(runFolder, 'order/a')), /runner's own file/);
  });

  it('clears what dead runs left, and nothing else', async () => {
    await publish();
    const left = await startJobFolder(runFolder, job('order/b'));
    writeFileSync(join(left, 'half'), 'half');
    const library = job('export/all', { folder: 'library' });
    const leftLibrary = await startJobFolder(runFolder, library);
    mkdirSync(join(runFolder, 'mine.tmp-1'));
    const halves = ['owner.json', '.digests.json', 'order/a/done.json', '.resume/order/b.fingerprint'];
    mkdirSync(join(runFolder, '.resume/order'), { recursive: true });
    for (const half of halves) writeFileSync(join(runFolder, `${half}.tmp-0a1b2c3d`), '');
    await removeLeftovers(runFolder, ['order'], [library]);
    assert.ok(!existsSync(left) && !existsSync(leftLibrary));
    assert.ok(existsSync(join(runFolder, 'mine.tmp-1')));
    for (const half of halves) assert.ok(!existsSync(join(runFolder, `${half}.tmp-0a1b2c3d`)), half);
    await is('fresh');
  });

  it('hands a checkpoint only to the fingerprint it belongs to', async () => {
    const [one, two] = [sha256('1'), sha256('2')] as string[] as [Fingerprint, Fingerprint];
    const claimed = await claimResumeFolder(runFolder, 'order/a', one);
    assert.equal(claimed.resumed, false);
    assert.equal(await hasCheckpoint(runFolder, 'order/a', one), false, 'an empty folder is no checkpoint');
    writeFileSync(join(claimed.folder, 'step'), '41');
    assert.deepEqual(await claimResumeFolder(runFolder, 'order/a', one), {
      folder: claimed.folder,
      resumed: true,
    });
    assert.equal(readFileSync(join(claimed.folder, 'step'), 'utf8'), '41');
    assert.equal((await claimResumeFolder(runFolder, 'order/a', two)).resumed, false);
    assert.deepEqual(readdirSync(claimed.folder), [], 'the old checkpoint is gone');
    await dropResumeFolder(runFolder, 'order/a');
    assert.deepEqual(readdirSync(join(runFolder, '.resume/order')), []);
  });
});
