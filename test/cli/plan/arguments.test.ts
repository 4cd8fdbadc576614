import assert from 'node:assert/strict';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { parseLine } from '../parse.ts';

/** What was given, and the first two sentences of the refusal. */
const refusals: readonly (readonly [string, RegExp])[] = [
  ['--format slurm --json', /^--json: it has no meaning beside --format slurm\n.*--format table or json/],
  ['--format slurm --check', /^--check: it has no meaning .*\n.*all jobs/],
  ['--format make --from order', /^--from: it has no meaning .*\n.*all jobs[^]*remove the folder/],
  ['--format make --gpus 1', /^--gpus: it has no meaning .*\n.*--format slurm or kubernetes/],
  ['--format slurm --image blockforge:cuda', /^--image: it has no meaning .*\n.*--format kubernetes/],
  ['--format kubernetes --option=--qos=long', /^--option: it has no meaning .*\n.*--format slurm/],
  ['--out cluster', /^--out: it has no meaning beside --format table\n.*slurm or kubernetes or make/],
  ['--format slurm --option gpu', /^--option gpu: not an option of sbatch/],
  ['--format kubernetes --volume shared', /^--volume shared: not a claim and a place/],
];

describe('cli/plan arguments', () => {
  for (const [line, message] of refusals) {
    it(`refuses "${line}"`, () => {
      assert.throws(
        () => parseLine(`plan demo.yaml ${line}`),
        (error) => error instanceof BlockForgeError && message.test(error.message),
      );
    });
  }

  it('takes --json and --format json for the same, and what a format has a meaning for', () => {
    const script = { options: [], arrayLimit: 1000, image: 'blockforge:latest', volumes: [], env: [] };
    for (const line of ['--json', '--format json', '--json --format json']) {
      const { format, json } = parseLine(`plan demo.yaml ${line}`);
      assert.deepEqual([format, json], ['json', true]);
    }
    const line = 'plan demo.yaml --format slurm --gpus 1 --at-once 8 --option=--partition=gpu';
    assert.deepEqual(parseLine(line).script, { ...script, options: ['--partition=gpu'], gpus: 1, atOnce: 8 });
  });
});
