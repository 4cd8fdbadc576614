import type { PlanRecord } from '../../../pipeline/runner/plan-record.ts';
import { blockName } from '../../../pipeline/model/architecture.ts';
import { random } from '../../../pipeline/util/random.ts';
import { sha256 } from '../../../pipeline/util/hash.ts';
import { stages as allStages } from '../../../pipeline/stages/blocks/graph.ts';

/** Seconds of each job of a stage, and how many there are. */
const work: Readonly<Record<string, { readonly parts: readonly string[]; readonly seconds: number }>> = {
  data: { parts: ['splits'], seconds: 210 },
  teacher: { parts: ['model', 'check'], seconds: 95 },
  statistics: { parts: ['class-share', ...numbered('shard', 8)], seconds: 420 },
  order: { parts: blocks(), seconds: 35 },
  refit: { parts: blocks(), seconds: 130 },
  distill: { parts: blocks(), seconds: 2400 },
  measure: { parts: numbered('shard', 16), seconds: 900 },
  compositions: { parts: numbered('shard', 8), seconds: 300 },
  profile: { parts: ['latency'], seconds: 60 },
  rank: { parts: ['library'], seconds: 8 },
  export: { parts: ['library'], seconds: 40 },
  report: { parts: ['test'], seconds: 500 },
};

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}

function blocks(): string[] {
  return Array.from({ length: 12 }, (_, i) => blockName(i));
}

/** The log of a run on four slots that was stopped for a night, with a try that went wrong. */
export function largeLog(begin: Date): {
  readonly log: string;
  readonly plan: PlanRecord;
  readonly records: Readonly<Record<string, unknown>>;
} {
  const draw = random(5, 'log');
  const slots = [0, 0, 0, 0];
  const events: { readonly at: number; readonly event: object }[] = [];
  const records: Record<string, unknown> = {};
  const jobs = Object.entries(work).flatMap(([stage, { parts, seconds }]) =>
    parts.map((part) => ({ id: `${stage}/${part}`, stage, seconds: seconds * (0.8 + 0.4 * draw.next()) })),
  );
  const night = 9 * 3600;
  let stopped = Infinity;
  jobs.forEach(({ id, stage, seconds }, i) => {
    if (i === Math.floor(jobs.length / 2)) {
      stopped = Math.max(...slots);
      slots.fill(stopped + night);
    }
    const slot = slots.indexOf(Math.min(...slots));
    let start = slots[slot]!;
    events.push({ at: start, event: { type: 'job-started', job: id, slot, resumed: false } });
    if (id === 'distill/block-05') {
      const failure = { reason: 'job-failed', subject: id, found: 'its process was killed' };
      events.push({
        at: start + 200,
        event: { type: 'job-retried', job: id, attempt: 1, waitSeconds: 5, failure },
      });
      start += 205;
      events.push({ at: start, event: { type: 'job-started', job: id, slot, resumed: true } });
    }
    for (let part = 1; part <= 10; part++) {
      const rssBytes = Math.round((1 + draw.next()) * 1e9);
      events.push({
        at: start + (seconds * part) / 11,
        event: { type: 'job-progress', job: id, fraction: part / 11, rssBytes },
      });
    }
    const end = start + seconds;
    events.push({
      at: end,
      event: { type: 'job-finished', job: id, seconds, summary: {}, outputs: sha256(id) },
    });
    slots[slot] = end;
    const warnings = stage === 'refit' ? ['8000 of 10000 calibration images are used (inputs.images)'] : [];
    records[id] = recordOf(id, new Date(begin.getTime() + 1000 * end), seconds, warnings);
  });
  const started = {
    type: 'run-started',
    run: 'large',
    folder: '/runs/large',
    engine: 'tensorflow',
    jobs: jobs.length,
  };
  events.push({ at: 0, event: started }, { at: stopped + night, event: started });
  const log = events
    .sort((a, b) => a.at - b.at || Number('run' in b.event) - Number('run' in a.event))
    .map(
      ({ at, event }) =>
        `${JSON.stringify({ time: new Date(begin.getTime() + 1000 * at).toISOString(), ...event })}\n`,
    )
    .join('');
  const plan: PlanRecord = {
    ...{ format: 1, id: 'plan', engine: 'tensorflow', time: begin.toISOString() },
    stages: allStages.map(({ name }) => name),
    jobs: jobs.map(({ id, stage, seconds }) => ({
      ...{
        id,
        stage,
        needs: [],
        wants: [],
        seconds,
        exclusive: false,
        selected: true,
        state: 'missing' as const,
      },
    })),
    about: {
      method: 'blocks',
      program: '0.1.0+0123456789ab',
      machine: { processor: 'a processor', cores: 16, memoryBytes: 64e9, system: 'linux x64' },
      config: { seed: 1, teacher: { checkpoint: 'vit_small_patch16_224' } },
    },
  };
  return { log, plan, records };
}

function recordOf(job: string, finished: Date, seconds: number, warnings: readonly string[]): unknown {
  const summaries: Readonly<Record<string, unknown>> = {
    'data/splits': { source: 'folder photographs (30,000 images, 10 classes)' },
    'teacher/check': { images: 10_000, top1: 79.83, low: 79.03, high: 80.6 },
  };
  return {
    ...{
      format: 1,
      job,
      fingerprint: sha256(job),
      seconds,
      warnings,
      engine: 'TensorFlow 2.21.0 on 16 CPU threads',
    },
    madeFrom: {
      job,
      stageVersion: 1,
      engine: 'tensorflow',
      settings: { seed: 1 },
      files: [sha256(`${job} file`)],
      inputs: {},
    },
    outputs: [{ path: 'manifest.json', sha256: sha256('manifest') }],
    finishedAt: finished.toISOString(),
    summary: summaries[job] ?? {},
  };
}
