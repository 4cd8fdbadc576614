import type { JobId } from '../../runner/contract.ts';
import type { NoticesPart, Section } from '../page.ts';
import { stageOf } from './run-history.ts';

/** How a run stands, as far as readers of its report want to know. */
export interface Standing {
  readonly state: 'running' | 'finished' | 'failed' | 'interrupted' | 'nobody';
  readonly jobs: {
    readonly jobs: number;
    readonly done: number;
    readonly blocked: number;
    readonly left: number;
  };
  readonly failures: readonly {
    readonly job: JobId;
    readonly failure: {
      readonly subject: string;
      readonly found: string;
      readonly expected?: string | undefined;
      readonly next?: string | undefined;
    };
  }[];
  /** Those that still hold. */
  readonly warnings: readonly { readonly job: JobId; readonly message: string }[];
  /** Tries that went wrong and were made again, over all sessions. */
  readonly retried: number;
}

type Notice = NoticesPart['notices'][number];

/** Of warnings that differ so many are told. */
const maximumNotices = 200;

/** Gates, warnings and failures in plain words. @param gates sentences about what was checked and held */
export function warningsSection(standing: Standing, gates: readonly string[]): Section {
  const { failures, jobs, retried, warnings } = standing;
  const grouped = groupWarnings(warnings);
  const notices: readonly Notice[] = [
    ...failures.map(({ job, failure: { subject, found, expected, next } }): Notice => {
      const details = [expected && `Expected: ${expected}.`, next && `Next: ${next}.`].filter(Boolean);
      return { level: 'failure', text: [`${job} failed. ${subject}: ${found}.`, ...details].join(' ') };
    }),
    ...(jobs.blocked === 0
      ? []
      : [
          {
            level: 'failure',
            text: `${count(jobs.blocked, 'job')} could not begin: what they need failed.`,
          } as const,
        ]),
    ...grouped.slice(0, maximumNotices),
    ...(grouped.length > maximumNotices
      ? [
          {
            level: 'note',
            text: `${grouped.length - maximumNotices} more are in the run's records.`,
          } as const,
        ]
      : []),
    ...(retried === 0
      ? []
      : [
          {
            level: 'note',
            text: `${count(retried, 'try', 'tries')} of a job went wrong and ${retried === 1 ? 'was' : 'were'} made again.`,
          } as const,
        ]),
    ...gates.map((text) => ({ level: 'good', text }) as const),
  ];
  const none: Notice = { level: 'good', text: 'No warnings.' };
  return {
    id: 'warnings',
    title: 'Warnings and gates',
    lead: 'A gate stops a run where it does not hold; a warning is what is worse than hoped.',
    parts: [
      { kind: 'notices', notices: warnings.length + failures.length === 0 ? [none, ...notices] : notices },
    ],
  };
}

/** Jobs that say the same are told once. */
function groupWarnings(warnings: Standing['warnings']): readonly Notice[] {
  const jobs = new Map<string, JobId[]>();
  for (const { job, message } of warnings) {
    const own = jobs.get(message);
    if (own === undefined) jobs.set(message, [job]);
    else if (!own.includes(job)) own.push(job);
  }
  return [...jobs].map(([message, who]) => ({ level: 'warning', text: `${nameJobs(who)}: ${message}` }));
}

/** "refit, distill (12 jobs)" */
function nameJobs(jobs: readonly JobId[]): string {
  const [first = ''] = jobs;
  if (jobs.length === 1) return first;
  return `${[...new Set(jobs.map(stageOf))].join(', ')} (${jobs.length} jobs)`;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
