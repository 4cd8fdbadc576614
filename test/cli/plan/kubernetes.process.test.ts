import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { writeKubernetes } from '../../../pipeline/cli/plan/formats/kubernetes.ts';
import { job } from '../../runner/rig.ts';
import { fakeScriptPlan } from './fake-script-plan.ts';

/** Answers as a cluster would in which a Job is running when it is looked at first; `refit` fails. */
const kubectl = `#!/usr/bin/env bash
echo "$*" >> "$STUB/calls"
[ "$1" = get ] || exit 0
[ -e "$STUB/seen-$3" ] || { touch "$STUB/seen-$3"; exit 0; }
case "$3" in *refit*) echo 'FailureTarget Failed' ;; *) echo 'SuccessCriteriaMet Complete' ;; esac
`;

describe('cli/plan for Kubernetes', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-kubernetes-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('applies the Jobs in waves, waits for each, goes on around one that failed and tells of it', () => {
    const jobs = [
      job('data/all'),
      job('refit/0', { needs: ['data/all'] }),
      job('profile/latency'),
      job('measure/all', { wants: ['refit/0'] }),
    ];
    for (const { name, text } of writeKubernetes(fakeScriptPlan(jobs))) {
      writeFileSync(join(folder, name), text);
    }
    writeFileSync(join(folder, 'kubectl'), kubectl);
    chmodSync(join(folder, 'kubectl'), 0o755);
    const script = join(folder, 'run.sh');
    assert.equal(spawnSync('bash', ['-n', script]).status, 0);
    const { status, stdout, stderr } = spawnSync('bash', [script], {
      cwd: '/',
      env: {
        ...process.env,
        STUB: folder,
        POLL_SECONDS: '0.01',
        PATH: `${folder}${delimiter}${process.env.PATH ?? ''}`,
      },
      encoding: 'utf8',
    });
    assert.equal(status, 5, stderr);
    assert.match(stderr, /failed: fake-refit-0;/);
    assert.deepEqual(stdout.trim().split('\n'), [
      'fake-data-0: Complete',
      'fake-profile-0: Complete',
      'fake-refit-0: Failed',
      'fake-measure-0: Complete',
    ]);
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
    const created = calls.filter((call) => call.startsWith('create'));
    assert.deepEqual(
      created.map((call) => call.replace(folder, '.')),
      ['data', 'profile', 'refit', 'measure'].map(
        (stage) => `create -f ./jobs.yaml -l blockforge/job=fake-${stage}-0`,
      ),
    );
  });
});
