import { hostname } from 'node:os';
import { Counter, Gauge, Registry } from 'prom-client';
import type { RunEnd, RunFacts } from '../listener.ts';
import { counters, jobStates, metrics, runStates, type MetricKey } from './metrics.ts';
import { stageOf, type Tally } from './tally.ts';

export interface Snapshot {
  readonly facts: Pick<RunFacts, 'name' | 'folder' | 'engine' | 'version'>;
  readonly tally: Tally;
  readonly end?: RunEnd | undefined;
  /** Seconds since 1970. */
  readonly now: number;
  readonly lastSuccess?: number | undefined;
}

/** Running jobs that are shown one by one: a file is read by every scrape. */
const mostJobs = 256;

type Sample = readonly [key: MetricKey, value: number | undefined, labels?: Readonly<Record<string, string>>];

/** The text that Prometheus reads. */
export function renderMetrics(snapshot: Snapshot): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ run: snapshot.facts.name });
  const made = new Map<MetricKey, Gauge | Counter>();
  for (const [key, value, labels = {}] of samplesOf(snapshot)) {
    if (value === undefined || !Number.isFinite(value)) continue;
    let metric = made.get(key);
    if (metric === undefined) {
      const [name, help, labelNames] = metrics[key];
      const Kind = counters.includes(key) ? Counter : Gauge;
      metric = new Kind({ name, help, labelNames, registers: [registry] });
      made.set(key, metric);
    }
    metric.inc(labels, value);
  }
  return registry.metrics();
}

function samplesOf({ facts, tally, end, now, lastSuccess }: Snapshot): Sample[] {
  const { folder, engine, version } = facts;
  const state = end?.outcome ?? 'running';
  const counts = new Map<string, number>();
  const stages = new Map<string, number>();
  for (const [job, jobState] of tally.states) {
    counts.set(jobState, (counts.get(jobState) ?? 0) + 1);
    const key = JSON.stringify([stageOf(job), jobState]);
    stages.set(key, (stages.get(key) ?? 0) + 1);
  }
  const waiting = Math.max(0, tally.jobs - tally.states.size);
  const byStage = (key: MetricKey, sums: ReadonlyMap<string, number>): Sample[] =>
    [...sums].map(([stage, value]) => [key, value, { stage }]);
  return [
    ['info', 1, { engine, version, host: hostname(), folder }],
    ...runStates.map((name): Sample => ['state', name === state ? 1 : 0, { state: name }]),
    ['started', tally.started],
    ['heartbeat', now],
    ['success', lastSuccess],
    ['exitCode', end?.exitCode],
    ['secondsLeft', end === undefined ? tally.secondsLeft : undefined],
    ...jobStates.map((name): Sample => {
      return ['jobs', name === 'waiting' ? waiting : (counts.get(name) ?? 0), { state: name }];
    }),
    ...[...stages].map(([key, count]): Sample => {
      const [stage, jobState] = JSON.parse(key) as [string, string];
      return ['stageJobs', count, { stage, state: jobState }];
    }),
    ...byStage('stageSeconds', tally.seconds),
    ...byStage('retries', tally.retries),
    ...byStage('warnings', tally.warnings),
    ...[...tally.running.values()].slice(0, mostJobs).flatMap((progress): Sample[] => {
      const { job, fraction, secondsLeft, rssBytes, tensors, metrics: reported = {} } = progress;
      return [
        ['progress', fraction, { job }],
        ['jobSecondsLeft', secondsLeft, { job }],
        ['rss', rssBytes, { job }],
        ['tensors', tensors, { job }],
        ...Object.entries(reported)
          .slice(0, 64)
          .map(([metric, value]): Sample => ['metric', value, { job, metric }]),
      ];
    }),
  ];
}
