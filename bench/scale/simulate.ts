import type { JobId } from '../../pipeline/runner/contract.ts';
import { dependenciesOf, type Plan, type PlannedJob } from '../../pipeline/runner/plan.ts';
import { rankByWayToEnd } from '../../pipeline/runner/queue.ts';
import type { JobBytes } from './bytes.ts';

export interface Cluster {
  readonly machines: number;
  /** Jobs at once on each. */
  readonly slots: number;
  /** Bytes a second of the file server to all machines together, and of each machine. */
  readonly serverRate: number;
  readonly machineRate: number;
  /** Seconds of work, moving of files left out. */
  readonly secondsOf: (planned: PlannedJob) => number;
  readonly bytesOf: (planned: PlannedJob) => JobBytes;
  /** Seconds that a job waits for the queue and the controller. */
  readonly overheadSeconds: number;
}

export interface Simulated {
  readonly seconds: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Share of the time in which the file server gave all it can. */
  readonly serverShare: number;
  /** Mean share of the slots that computed. */
  readonly busyShare: number;
}

interface Running {
  readonly planned: PlannedJob;
  readonly machine: number;
  readonly phases: { readonly kind: 'move' | 'work'; left: number }[];
}

/**
 * Plays a plan on machines that share a file server: a job reads what its machine does not have, works, writes. Ready jobs start by
 * their way to the end, exclusive ones alone; all that move files share the server's rate evenly, and their machine's.
 */
export function simulate({ jobs }: Pick<Plan, 'jobs'>, cluster: Cluster): Simulated {
  const { machines, slots, serverRate, machineRate, secondsOf, bytesOf, overheadSeconds } = cluster;
  const ways = rankByWayToEnd({ jobs });
  const wayOf = ({ job }: PlannedJob): number => ways.get(job.id) ?? 0;
  const waiting = new Set([...jobs].sort((a, b) => wayOf(b) - wayOf(a)));
  const ended = new Set<JobId>();
  const has = Array.from({ length: machines }, () => new Set<string>());
  let running: Running[] = [];
  let [clock, readBytes, writtenBytes, served, worked] = [0, 0, 0, 0, 0];

  const start = (planned: PlannedJob): void => {
    const load = has.map((_, machine) => running.filter((one) => one.machine === machine).length);
    const machine = load.indexOf(Math.min(...load));
    const { reads, readsAnew, writes } = bytesOf(planned);
    const missing = [...reads].filter(([name]) => !has[machine]!.has(name));
    for (const [name] of missing) has[machine]!.add(name);
    const read = readsAnew + missing.reduce((sum, [, bytes]) => sum + bytes, 0);
    readBytes += read;
    writtenBytes += writes;
    waiting.delete(planned);
    const phases = [
      { kind: 'move', left: read } as const,
      { kind: 'work', left: secondsOf(planned) + overheadSeconds } as const,
      { kind: 'move', left: writes } as const,
    ];
    running.push({ planned, machine, phases: phases.map((phase) => ({ ...phase })) });
  };

  for (;;) {
    const alone = running.some(({ planned }) => planned.job.exclusive);
    for (const planned of waiting) {
      if (alone || running.length >= machines * slots) break;
      const ready = dependenciesOf(planned.job).every((id) => ended.has(id));
      if (ready && !planned.job.exclusive) start(planned);
    }
    if (running.length === 0) {
      const lonely = [...waiting].find(({ job }) => dependenciesOf(job).every((id) => ended.has(id)));
      if (lonely === undefined) break;
      start(lonely);
    }
    const moving = running.filter(({ phases }) => phases[0]?.kind === 'move');
    const rateOf = ({ machine, phases }: Running): number => {
      if (phases[0]?.kind !== 'move') return 1;
      const beside = moving.filter((one) => one.machine === machine).length;
      return Math.min(serverRate / moving.length, machineRate / beside);
    };
    const rates = running.map(rateOf);
    const step = Math.min(...running.map(({ phases }, index) => phases[0]!.left / rates[index]!));
    clock += step;
    const given = running.reduce(
      (sum, { phases }, i) => sum + (phases[0]?.kind === 'move' ? rates[i]! : 0),
      0,
    );
    if (given >= serverRate * 0.999) served += step;
    worked += step * (running.length - moving.length);
    for (const [index, { phases }] of running.entries()) {
      const left = phases[0]!.left - rates[index]! * step;
      if (left > 1e-9 * (1 + rates[index]!)) phases[0]!.left = left;
      else phases.shift();
    }
    for (const { planned, phases } of running) if (phases.length === 0) ended.add(planned.job.id);
    running = running.filter(({ phases }) => phases.length > 0);
  }
  if (ended.size < jobs.length) throw new Error('some jobs never became ready');
  return {
    seconds: clock,
    readBytes,
    writtenBytes,
    serverShare: served / clock,
    busyShare: worked / clock / (machines * slots),
  };
}
