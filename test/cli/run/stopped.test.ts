import assert from 'node:assert/strict';
import { commandToGoOn } from '../../../pipeline/cli/run/command-to-go-on.ts';
import { exitCodeOfRun } from '../../../pipeline/cli/run/run-end.ts';
import type { RunOutcome } from '../../../pipeline/runner/run.ts';
import type { Failure } from '../../../pipeline/util/failure.ts';
import type { RunCommand } from '../../../pipeline/cli/run/arguments.ts';
import { parseLine } from '../parse.ts';

const outcome = (parts: Partial<RunOutcome> = {}): RunOutcome => ({
  ...{ ran: 1, fresh: 0, failed: 0, blocked: 0, retried: 0, interrupted: false },
  ...{ left: [], failures: [], troubles: [], seconds: 1 },
  ...parts,
});
const asRun = (line: string) => parseLine(line) as unknown as RunCommand;
const failure: Failure = { reason: 'gate-failed', subject: 'refit/a', found: 'too far off' };

describe('a run that was stopped', () => {
  it('ends with 130 or 75 where work is left, and with 0 where none is', () => {
    assert.equal(exitCodeOfRun(outcome(), 75), 0, 'the signal came when all was done');
    assert.equal(exitCodeOfRun(outcome({ interrupted: true }), 75), 75);
    assert.equal(exitCodeOfRun(outcome({ interrupted: true })), 130);
    const failures = [{ job: 'refit/a', failure }];
    assert.equal(exitCodeOfRun(outcome({ failed: 1, failures }), 75), 5);
    assert.equal(exitCodeOfRun(outcome({ interrupted: true, failed: 1, failures }), 75), 75);
    const lost: Failure = { reason: 'run-locked', subject: 'runs/x', found: 'another one took it' };
    assert.equal(exitCodeOfRun(outcome({ interrupted: true, troubles: [lost] }), 75), 6);
  });

  it('goes on with a command that can be pasted, and does not begin anew', () => {
    const told = (line: string) => commandToGoOn(asRun(line));
    assert.equal(told('demo.yaml'), 'npm run pipeline -- --config demo.yaml');
    assert.equal(
      told('demo.yaml --from distill --seed 3 --stop-after 1h --runs /mnt/runs'),
      'npm run pipeline -- --config demo.yaml --set seed=3 --stop-after 3600s --runs /mnt/runs',
    );
    assert.equal(
      commandToGoOn({ ...asRun('x --retry-failed'), overrides: ["data.folder=/it's here"] }),
      "npm run pipeline -- --config x --set 'data.folder=/it'\\''s here'",
    );
  });
});
