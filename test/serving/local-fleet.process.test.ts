import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { openDeployment, type Deployment } from '../../pipeline/deployment/deployment.ts';
import type { ServingLine } from '../../pipeline/serving/device-process.ts';
import { loadFleet } from '../../pipeline/serving/load-fleet.ts';
import { loadImages } from '../../pipeline/serving/load-images.ts';
import { openFleet } from '../../pipeline/serving/open-fleet.ts';
import { readFleetPlan } from '../../pipeline/serving/read-fleet-plan.ts';
import { startLocalFleet } from '../../pipeline/serving/start-local-fleet.ts';
import { wireCounter } from '../../pipeline/serving/wire-counter.ts';
import { writtenDeployment } from '../deployment/fixture.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import { program } from '../support/program.ts';
import { until } from './rig.ts';

const run = promisify(execFile);

/** Also true of a process that has ended and was not waited for, which a test runner without init leaves. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('devices in processes of their own', () => {
  let folder: { path: string; remove: () => Promise<void> } | undefined;
  let deployment: Deployment;

  before(async function () {
    if (process.platform !== 'linux' || !(await hasOnnxRuntime())) this.skip();
    folder = await writtenDeployment();
    deployment = await openDeployment(folder.path);
  });
  after(() => folder?.remove());

  it('lose no request when one is killed under load, and have it back', async function () {
    this.timeout(180_000);
    const plan = await readFleetPlan(await deployment.coordinator());
    const images = await loadImages(deployment, plan.preprocessing);
    const local = await startLocalFleet(deployment);
    const wire = wireCounter();
    const deadlineMs = 2000;
    const fleet = await openFleet(plan, { addresses: local.addresses, deadlineMs });
    try {
      const over = new AbortController();
      const load = loadFleet(fleet, { images, requests: 1e6, concurrency: 2, wire, signal: over.signal });
      const pids = local.pids();
      await local.crash('jetson');
      await until(() => fleet.links.every(({ state }) => state === 'up'));
      over.abort();
      const report = await load;
      assert.equal(report.failed, 0, report.firstFailure ?? '');
      assert.ok(report.partial > 0, 'nobody noticed');
      assert.deepEqual(Object.keys(report.missing), ['jetson']);
      assert.ok(report.latency.max < deadlineMs + 3000, `${report.latency.max} ms`);
      assert.ok(report.bytesPerImage.sent > 192 && report.bytesPerImage.received > 4 * 17);
      const { missing } = await fleet.predict(images[0]!, 'image');
      assert.deepEqual(missing, []);
      assert.equal(local.pids().filter((pid) => pids.includes(pid)).length, 1);
    } finally {
      fleet.close();
      wire.close();
      await local.close();
    }
    assert.deepEqual(local.pids(), []);
  });

  it('end with whoever started them, even where that is killed', async function () {
    this.timeout(120_000);
    const script = `
      import { openDeployment } from ${JSON.stringify(join(import.meta.dirname, '../../pipeline/deployment/deployment.ts'))};
      import { startLocalFleet } from ${JSON.stringify(join(import.meta.dirname, '../../pipeline/serving/start-local-fleet.ts'))};
      const fleet = await startLocalFleet(await openDeployment(${JSON.stringify(deployment.folder)}));
      console.log(JSON.stringify(fleet.pids()));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const pids = JSON.parse(line) as number[];
    assert.equal(pids.length, 2);
    assert.ok(pids.every(isRunning));
    child.kill('SIGKILL');
    await until(() => !pids.some(isRunning));
  });

  it('serve and are asked by the command line', async function () {
    this.timeout(120_000);
    const serve = spawn(
      process.execPath,
      [
        ...program,
        'serve',
        join(deployment.folder, 'devices', 'jetson'),
        '--listen',
        '127.0.0.1:0',
        '--json',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(serve, 'exit');
    try {
      const [line] = (await once(createInterface({ input: serve.stdout }), 'line')) as [string];
      const { device, address } = JSON.parse(line) as ServingLine;
      assert.equal(device, 'jetson');
      const photo = join(deployment.folder, 'photo.png');
      const create = { width: 40, height: 30, channels: 3 as const, background: { r: 90, g: 60, b: 30 } };
      await sharp({ create }).png().toFile(photo);
      const words = [
        'predict',
        deployment.folder,
        photo,
        '--devices',
        `jetson=${address}`,
        '--deadline-ms',
        '5000',
      ];
      const { stdout } = await run(process.execPath, [...program, ...words, '--json']);
      const answer = JSON.parse(stdout) as {
        classes: { probability: number }[];
        missing: object[];
        sentAs: string;
      };
      assert.equal(answer.classes.length, 3);
      assert.deepEqual(answer.missing, [{ device: 'pi-kitchen', why: 'no address given', classes: 3 }]);
    } finally {
      serve.kill('SIGTERM');
    }
    assert.deepEqual(await ended, [0, null]);
  });
});
