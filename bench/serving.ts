/**
 * A deployment on this machine, devices in processes of their own: what serving adds to the slowest sub-model's own time, memory over many
 * requests, devices that are killed under load, and the same over a link of 20 Mbit/s where the kernel allows one.
 *
 *     npm run bench -- serving [--devices 1,2,5] [--requests 1000] [--memory 10000] [--kill-seconds 30] [--deadline-ms 200] [--no-link]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDeployment } from '../pipeline/deployment/deployment.ts';
import { crashInTurn } from '../pipeline/serving/crash-in-turn.ts';
import { imageBytes, type ImageForm } from '../pipeline/serving/image-message.ts';
import { loadFleet, type LoadReport } from '../pipeline/serving/load-fleet.ts';
import { openFleet, type Fleet } from '../pipeline/serving/open-fleet.ts';
import { readFleetPlan } from '../pipeline/serving/read-fleet-plan.ts';
import { startLocalFleet, type LocalFleet } from '../pipeline/serving/start-local-fleet.ts';
import { wireCounter } from '../pipeline/serving/wire-counter.ts';
import { photographs } from './serving/photographs.ts';
import { randomDeployment } from './serving/random-deployment.ts';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '1,2,5' },
    requests: { type: 'string', default: '1000' },
    memory: { type: 'string', default: '10000' },
    'kill-seconds': { type: 'string', default: '30' },
    'deadline-ms': { type: 'string', default: '200' },
    'no-link': { type: 'boolean', default: false },
    /** Inside the shaped network: the folder of a deployment, and nothing but its latency. */
    inside: { type: 'string' },
  },
});
const requests = Number(values.requests);
const deadlineMs = Number(values['deadline-ms']);
const files = await photographs(20);

if (values.inside !== undefined) {
  await within(values.inside, 10_000, async ({ measure }) => {
    for (const form of ['pixels', 'smaller'] as const) await measure(form, Math.min(requests, 100), 1);
  });
} else {
  const folder = mkdtempSync(join(tmpdir(), 'blockforge-serving-'));
  try {
    console.log(
      `${cpus()[0]?.model}, ${availableParallelism()} processors; 224 x 224 x 3 images, sub-models: ViT-Tiny, half of everything`,
    );
    for (const devices of values.devices.split(',').map(Number))
      await bench(join(folder, String(devices)), devices);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bench(folder: string, devices: number): Promise<void> {
  console.log(`\n${devices} device${devices === 1 ? '' : 's'}, one line of requests`);
  await randomDeployment(folder, devices);
  await within(folder, deadlineMs, async ({ measure, local, fleet, load }) => {
    for (const form of ['pixels', 'encoded'] as const) await measure(form, requests, 1);
    if (devices === 2) await memory(local, Number(values.memory), load);
    if (devices > 2) {
      console.log(`${deadlineMs} ms deadline, two lines of requests, a device killed every 5 s`);
      const crashes = crashInTurn(local, 5);
      const report = await load('pixels', Infinity, 2, Number(values['kill-seconds']));
      const killed = await crashes.stop();
      tell('killed', report);
      console.log(
        `  ${killed} killed; ${report.requests} requests, ${report.failed} failed, ${report.partial} without some device, ` +
          `the longest took ${report.latency.max.toFixed(0)} ms; all back: ${fleet.links.every(({ state }) => state === 'up')}`,
      );
    }
  });
  if (devices === 2 && !values['no-link']) overLink(folder);
}

interface Inside {
  readonly local: LocalFleet;
  readonly fleet: Fleet;
  readonly load: (form: ImageForm, count: number, lines: number, seconds?: number) => Promise<LoadReport>;
  readonly measure: (form: ImageForm, count: number, lines: number) => Promise<void>;
}

async function within(
  folder: string,
  deadline: number,
  work: (inside: Inside) => Promise<void>,
): Promise<void> {
  const deployment = await openDeployment(folder);
  const plan = await readFleetPlan(await deployment.coordinator());
  const local = await startLocalFleet(deployment);
  const wire = wireCounter();
  const fleet = await openFleet(plan, { addresses: local.addresses, deadlineMs: deadline });
  const load: Inside['load'] = async (form, count, lines, seconds) => {
    const images = await Promise.all(
      files.map((file) => imageBytes(file, plan.preprocessing, 'photograph', form)),
    );
    await loadFleet(fleet, { images, requests: 50, concurrency: lines, wire });
    return loadFleet(fleet, { images, requests: count, concurrency: lines, seconds, wire });
  };
  try {
    await work({
      local,
      fleet,
      load,
      measure: async (form, count, lines) => tell(form, await load(form, count, lines)),
    });
  } finally {
    fleet.close();
    wire.close();
    await local.close();
  }
}

function tell(
  name: string,
  { latency, slowestDevice, overhead, prepare, bytesPerImage, ...rest }: LoadReport,
): void {
  const times = (q: LoadReport['latency']) =>
    [q.p50, q.p90, q.p99].map((value) => value.toFixed(2)).join(' / ');
  console.log(
    `  ${name.padEnd(8)} p50 / p90 / p99 ms: latency ${times(latency)}, slowest sub-model ${times(slowestDevice)}, ` +
      `added ${times(overhead)}, of that preparing ${times(prepare)}; ${rest.perSecond.toFixed(0)} images/s, ` +
      `${(bytesPerImage.sent / 1e3).toFixed(1)} kB out, ${(bytesPerImage.received / 1e3).toFixed(2)} kB back; ` +
      `${rest.failed} failed, ${rest.partial} partial of ${rest.requests}`,
  );
}

/** Resident memory of this process and of the devices along many requests. */
async function memory(local: LocalFleet, count: number, load: Inside['load']): Promise<void> {
  const parts = 5;
  for (let part = 0; part <= parts; part++) {
    if (part > 0) await load('pixels', Math.round(count / parts), 2);
    const of = local.pids().map((pid) => residentMB(pid).toFixed(0));
    console.log(
      `  after ${String(Math.round((part * count) / parts)).padStart(6)} requests: RSS ${residentMB(process.pid).toFixed(0)} MB here, ${of.join(' and ')} MB of the devices`,
    );
  }
}

function residentMB(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1e3;
  } catch {
    return NaN;
  }
}

/** Everything in a network of its own, whose loopback carries 20 Mbit/s for all devices together, as one radio channel would. */
function overLink(folder: string): void {
  const shape =
    'ip link set lo mtu 1500 up && { tc qdisc add dev lo root netem rate 20mbit delay 1ms 2>/dev/null && echo "  shaped by netem, 1 ms" || ' +
    'tc qdisc add dev lo root tbf rate 20mbit burst 16kb latency 2s && echo "  shaped by tbf"; }';
  const again = [
    process.execPath,
    ...process.execArgv,
    import.meta.filename,
    '--inside',
    folder,
    '--requests',
    String(requests),
  ];
  console.log('over a link of 20 Mbit/s');
  const done = spawnSync('unshare', ['-rn', 'sh', '-c', `${shape} && exec "$@"`, 'sh', ...again], {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  });
  if (done.status !== 0)
    console.log(
      `  not here: ${(done.error?.message ?? done.stderr).trim().split('\n').slice(-3).join('; ')}`,
    );
}
