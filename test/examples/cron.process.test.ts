import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, readExample, root } from './files.ts';
import { makeStubs, type Stubs } from './stub.ts';

describe('the cron example', () => {
  let stubs: Stubs;
  beforeEach(() => (stubs = makeStubs()));
  afterEach(() => stubs.remove());

  /** A night on which the run ends with an exit code. */
  async function night(code: number) {
    const home = join(stubs.folder, 'home');
    stubs.put('node', `echo '{"type":"said"}'; exit ${code}`);
    const runs = join(stubs.folder, 'runs');
    const environment = { BLOCKFORGE_HOME: home, BLOCKFORGE_RUNS: runs };
    const ended = await stubs.start('cron/nightly.sh', ['vit-b16.yaml', '7h30m'], environment).ended;
    const logs = readdirSync(join(runs, 'logs'));
    return { ...ended, logs, home, runs };
  }

  it('gives the run its time, and keeps what it says in a log of the day', async () => {
    const { code, stdout, logs, home, runs } = await night(0);
    assert.deepEqual([code, stdout, logs.length], [0, '', 1]);
    assert.match(logs[0] ?? '', /^vit-b16-\d{4}-\d\d-\d\d\.log$/);
    assert.match(readFileSync(join(runs, 'logs', logs[0]!), 'utf8'), /said/);
    const [words = []] = stubs.calls('node');
    assert.deepEqual(words.slice(0, 2), [`${home}/scripts/start.js`, `${home}/pipeline/cli/main.ts`]);
    assert.equal(commandOf(words.slice(2)), 'run');
    assert.ok(words.join(' ').includes('--stop-after 7h30m'));
  });

  it('has nothing to say where work is left for the next night', async () => {
    const { code, stdout, stderr } = await night(75);
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
  });

  it('says that the run is still at work, which is no failure', async () => {
    const { code, stdout } = await night(6);
    assert.equal(code, 0);
    assert.match(stdout, /still at work/);
  });

  it('mails the end of the log of a night that failed', async () => {
    const { code, stdout } = await night(5);
    assert.equal(code, 5);
    assert.match(stdout, /exit code 5[^]*said/);
  });

  it('has lines that cron understands, with a script that is there', () => {
    const lines = readExample('cron/crontab')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !/^\w+=/.test(line));
    assert.equal(lines.length, 1);
    for (const line of lines) {
      const [minute, hour, day, month, weekday, program, ...words] = line.split(/\s+/);
      const fields = [minute, hour, day, month, weekday];
      const ranges = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 7]] as const; // prettier-ignore
      for (const [index, [least, most]] of ranges.entries()) {
        const numbers = fields[index]?.match(/\d+/g)?.map(Number) ?? [];
        assert.match(fields[index] ?? '', /^(\*|\d+(-\d+)?)(\/\d+)?(,\d+(-\d+)?)*$/);
        assert.ok(
          numbers.every((number) => number >= least && number <= most),
          line,
        );
      }
      assert.ok(readFileSync((program ?? '').replace('/opt/blockforge', root)).length > 0);
      assert.equal(words.length, 2);
      assert.ok(readFileSync(join(root, 'configs', words[0] ?? '')).length > 0);
      assert.ok(!line.includes('%'), 'cron takes % for a line end');
    }
  });
});
