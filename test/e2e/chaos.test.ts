/**
 * One machine from which processes are taken away: the run's own is killed or told to stop, those that do its jobs are killed or freeze. Each
 * time the same command goes on, and in the end the library is the one of a run that nobody disturbed, byte for byte but for
 * latencies. By hand, longer: BLOCKFORGE_CHAOS_KILLS=40 BLOCKFORGE_CHAOS_SEED=7 npx mocha --timeout 3600000 test/e2e/chaos.test.ts
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stoppedExitCode } from '../../pipeline/terminal/stops.ts';
import { random, type Random } from '../../pipeline/util/random.ts';
import { differences } from '../support/compare-libraries.ts';
import { program } from '../support/program.ts';
import { assertTrained, hashes, smallConfig, succeeded, workplace, type Workplace } from './blockforge.ts';

const seed = Number(process.env.BLOCKFORGE_CHAOS_SEED ?? 1);
const kills = Number(process.env.BLOCKFORGE_CHAOS_KILLS ?? 6);

const config = smallConfig(`
engine: wasm
executor:
  retries: { times: 1000, waitSeconds: 0.1 }
  silentMinutes: 0.1
`)
  .replace('images: 3000', 'images: 1000')
  .replace('calibration: 200, selection: 200, test: 100', 'calibration: 80, selection: 80, test: 40')
  .replace('[0.5, 0.75]', '[0.9]')
  .replace('steps: 20', 'steps: 12')
  .replace('compositions: 8', 'compositions: 2');

type Blow = 'run killed' | 'run told to stop' | 'job killed' | 'job frozen';
/** A round of them, each time in another order. */
const blows: readonly Blow[] = [
  'run killed',
  'run killed',
  'run told to stop',
  'job killed',
  'job killed',
  'job frozen',
];

describe(`a run whose processes are taken away, seed ${seed}, ${kills} times`, function () {
  const calm = workplace();
  const rough = workplace();
  const frozen: number[] = [];
  after(() => {
    for (const pid of frozen) tryKill(pid, 'SIGKILL');
    calm.remove();
    rough.remove();
  });

  before(function () {
    // Who does a job is found in /proc.
    if (process.platform !== 'linux') this.skip();
    for (const place of [calm, rough]) place.write('small.yaml', config);
  });

  it('ends with the library of one that nobody disturbed', async () => {
    succeeded(await calm.blockforge('--config', 'small.yaml'));
    assertTrained(join(calm.folder, 'runs', 'small'));
    const dice = random(seed, 'chaos');
    const coming = Array.from({ length: Math.ceil(kills / blows.length) }, () =>
      dice.shuffle([...blows]),
    ).flat();
    const done: Blow[] = [];
    while (done.length < kills) {
      const { code } = await disturb(rough, dice, { coming, done, frozen });
      if (code === 0 && done.length < kills) {
        // It was faster than the blows: what it made is made again.
        const from = ['statistics', 'order', 'distill', 'measure'][dice.integer(4)]!;
        const begun = start(rough, ['--from', from]);
        await begun.events(1);
        begun.child.kill('SIGTERM');
        assert.ok([stoppedExitCode, 0].includes((await begun.ended).code ?? -1));
      }
    }
    succeeded(await rough.blockforge('--config', 'small.yaml'));
    console.log(`      ${done.join(', ')}`);

    const [one, other] = [calm, rough].map((place) => join(place.folder, 'runs', 'small', 'library'));
    const manifest = (folder = '') =>
      JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as unknown;
    assert.deepEqual(differences(manifest(one), manifest(other)), []);
    assert.deepEqual(timeless(other), timeless(one));
    assert.deepEqual(leftovers(rough), []);
  });
});

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits until so many events were heard, or the end. */
  readonly events: (count: number) => Promise<void>;
}

/** Gives the command, and strikes until the run has ended or enough was done. */
async function disturb(
  place: Workplace,
  dice: Random,
  {
    coming,
    done,
    frozen,
  }: { readonly coming: readonly Blow[]; readonly done: Blow[]; readonly frozen: number[] },
): Promise<Ended> {
  const { child, ended, events } = start(place);
  let heard = 0;
  while (done.length < kills) {
    heard += 2 + dice.integer(25);
    const blow = coming[done.length]!;
    const delay = dice.next() * 300;
    await events(heard);
    await sleep(delay);
    if (child.exitCode !== null) return ended;
    if (blow === 'run killed' || blow === 'run told to stop') {
      child.kill(blow === 'run killed' ? 'SIGKILL' : 'SIGTERM');
      done.push(blow);
      const end = await ended;
      const expected = blow === 'run killed' ? [null, 0] : [stoppedExitCode, 0];
      assert.ok(expected.includes(end.code), `${blow}: exit code ${end.code}; ${end.stderr}`);
      return end;
    }
    const workers = workersOf(child.pid);
    const pid = workers[dice.integer(Math.max(1, workers.length))];
    if (pid === undefined || !tryKill(pid, blow === 'job killed' ? 'SIGKILL' : 'SIGSTOP')) continue;
    if (blow === 'job frozen') frozen.push(pid);
    done.push(blow);
  }
  return ended;
}

function start(place: Workplace, args: readonly string[] = []): Started {
  const child = spawn(process.execPath, [...program, '--config', 'small.yaml', '--json', ...args], {
    cwd: place.folder,
    env: { ...process.env, BLOCKFORGE_CACHE: join(place.folder, 'cache') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let count = 0;
  let stderr = '';
  let wake = (): void => undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    count += text.split('\n').length - 1;
    wake();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      count = Infinity;
      wake();
      resolve({ code, stderr });
    });
  });
  return {
    child,
    ended,
    events: async (least) => {
      while (count < least) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

/** The processes that do the jobs of a run. */
function workersOf(pid: number | undefined): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, 'latin1');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${candidate}/cmdline`, 'latin1');
        return Number(parent) === pid && state !== 'Z' && state !== 'T' && command.includes('worker');
      } catch {
        return false;
      }
    });
}

function tryKill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** What holds latencies, or is a hash of what does. */
const timely = /^(manifest\.json|README\.md|ranking\..*|.*latency.*)$/i;

function timeless(folder = ''): Record<string, string> {
  return Object.fromEntries(Object.entries(hashes(folder)).filter(([name]) => !timely.test(name)));
}

/** Temporary folders and checkpoints, of which none may stay. */
function leftovers(place: Workplace): string[] {
  const folder = join(place.folder, 'runs', 'small');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.tmp-|\.attempt-/.test(name) || /^\.resume\/\w+\/./.test(name),
  );
}
