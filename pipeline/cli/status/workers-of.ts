import type { HeardPulse } from '../../runner/read-pulses.ts';
import type { WorkerStatus } from './run-status.ts';

/**
 * Who is at work on what. A job that its worker tells of itself is not told once more by who gave it away.
 */
export function workersOf(pulses: readonly HeardPulse[]): readonly WorkerStatus[] {
  const ofWorkers = new Set(
    pulses.flatMap(({ record }) => (record.kind === 'worker' ? record.running.map(({ id }) => id) : [])),
  );
  return pulses.map(({ record, age }) => {
    const { kind, owner, version, slots, running } = record;
    // Since when, by the writer's clock up to its writing, then by the file's age.
    const written = Date.parse(record.time);
    const secondsOf = (since: string) => Math.max(0, (written - Date.parse(since)) / 1000 + age) || 0;
    return {
      who: `${owner.host}:${owner.pid}`,
      kind,
      started: owner.started,
      version,
      slots,
      heard: age,
      running: running
        .filter(({ id }) => kind === 'worker' || !ofWorkers.has(id))
        .map((job) => ({ ...job, seconds: secondsOf(job.since) })),
    };
  });
}
