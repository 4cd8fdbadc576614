import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../../pipeline/util/random.ts';
import { differences } from '../support/compare-libraries.ts';
import { assertTrained, demoTeacher, succeeded, workplace, type Workplace } from './blockforge.ts';

const seed = 20260;
const kills = 2;

/** A job for each width, so two can be at work. */
const config = `
teacher: { checkpoint: ${JSON.stringify(demoTeacher)} }
data:
  source: shapes
  shapes: { images: 1000 }
  splits: { calibration: 60, selection: 60, test: 20 }
statistics: { tokensPerImage: 8 }
descendants: { sparsities: [0.5, 0.75], shards: 2 }
inputs: { from: teacher }
distill: { duration: { steps: 6 }, batchSize: 16, learningRate: 1e-4 }
measure: { compositions: 2, latency: { warmup: 1, iterations: 2 } }
`;

describe('jobs by themselves', () => {
  let place: Workplace;
  before(function () {
    if (spawnSync('make', ['--version']).status !== 0) {
      console.log('      skipped: make is not installed');
      this.skip();
    }
    place = workplace();
    place.write('small.yaml', config);
  });
  after(() => (place as Workplace | undefined)?.remove());

  it('come through make, killed at random, to the library of a run', async () => {
    const source = ['small.yaml', '--engine', 'wasm'];
    succeeded(await place.blockforge(...source, '--runs', 'whole'));
    assertTrained(join(place.folder, 'whole', 'small'));
    succeeded(await place.blockforge('plan', ...source, '--format', 'make', '--out', '.'));

    const numbers = random(seed, 'kills');
    let killed = 0;
    for (let tries = 0; ; tries++) {
      assert.ok(tries < 20, 'it does not come to an end');
      // A group of its own, so that all of it is lost at once, as with a machine.
      const make = spawn('make', ['-j2', 'export/library'], {
        cwd: place.folder,
        env: { ...process.env, NO_COLOR: '1', BLOCKFORGE_CACHE: join(place.folder, 'cache') },
        stdio: 'ignore',
        detached: true,
      });
      const ended = new Promise<boolean>((resolve) => make.once('exit', () => resolve(true)));
      const wait = 3000 + numbers.next() * 7000;
      if (killed === kills || (await Promise.race([ended, sleep(wait, false)]))) {
        await ended;
        const check = await place.blockforge('plan', ...source, '--only', 'export', '--check');
        if (check.code === 0) break;
      } else {
        process.kill(-(make.pid ?? 0), 'SIGKILL');
        killed++;
        await ended;
      }
    }
    assert.ok(killed > 0, 'some were killed');
    const manifest = (runs: string): unknown =>
      JSON.parse(readFileSync(join(place.folder, runs, 'small/library/manifest.json'), 'utf8'));
    assert.deepEqual(differences(manifest('whole'), manifest('runs')), [], `seed ${seed}`);
  });
});
