import { formatBytes, formatDuration } from '../../util/format.ts';
import { kindsOf, type MarkKind } from '../charts/kinds.ts';
import { timelineChart } from '../charts/timeline.ts';
import type { Section, TablePart } from '../page.ts';
import type { RunHistory } from './run-history.ts';
import { stageTimes, type StageTime } from './stage-times.ts';
import { timelineBars } from './timeline-bars.ts';
import { workClock, type WorkClock } from './work-clock.ts';

/** Stages with a colour of their own; all others share one. */
const colours = 6;
const others = 'others';
const wrong = 'went wrong';

/** Where the time went, over all sessions: who did what when, and what each stage took. */
export function timeSection(history: RunHistory): Section | undefined {
  const { tries, sessions, leftOut } = history;
  const [first] = tries;
  if (first === undefined) return undefined;
  const clock = workClock([...sessions, ...tries]);
  const times = stageTimes(history);
  const busy = times.reduce((sum, { seconds }) => sum + seconds, 0);
  const named = new Set(
    times.slice(0, times.length <= colours + 1 ? times.length : colours).map(({ stage }) => stage),
  );
  const unit = unitOf(clock.totalSeconds);
  const spans = timelineBars(tries, clock).map(({ lane, start, end, stage, went, text }) => ({
    ...{ lane, from: start / unit.seconds, to: end / unit.seconds, says: text },
    kind: went === 'wrong' ? wrong : named.has(stage) ? stage : others,
  }));
  const kinds: readonly MarkKind[] = [
    ...kindsOf([...named]),
    { name: others, label: others, colour: 'var(--muted)', shape: 'circle' },
    { name: wrong, label: wrong, colour: 'var(--bad)', shape: 'cross' },
  ];
  const lanes = new Set(spans.map(({ lane }) => lane)).size;
  const [most] = times;
  return {
    id: 'time',
    title: 'Where the time went',
    lead: leadOf(history, clock, busy, lanes),
    parts: [
      timelineChart({
        title: 'Jobs by who did them',
        alternative: `${tries.length} jobs on ${lanes} lane${lanes === 1 ? '' : 's'} within ${formatDuration(clock.totalSeconds)} of work; most of it, ${formatDuration(most?.seconds ?? 0)}, went into ${most?.stage ?? ''}. The table below has all stages.`,
        spans,
        x: { title: `${unit.name} at work` },
        kinds,
      }),
      stageTable(times, busy),
      ...(leftOut > 0 ? [{ kind: 'text', text: `${leftOut} more jobs are not shown.` } as const] : []),
    ],
  };
}

function leadOf(
  { sessions }: RunHistory,
  { totalSeconds, breaks }: WorkClock,
  busy: number,
  lanes: number,
): string {
  const parts = [
    `${formatDuration(totalSeconds)} from start to end${sessions.length > 1 ? `, over ${sessions.length} starts` : ''}`,
    `${formatDuration(busy)} of work in jobs${lanes > 1 ? `, up to ${lanes} at once` : ''}`,
  ];
  const idle = breaks.length === 0 ? '' : ' Times when nobody was at work are cut out.';
  return `${parts.join('; ')}.${idle} What was tried again counts, too.`;
}

function stageTable(times: readonly StageTime[], busy: number): TablePart {
  const hasWrong = times.some((time) => time.wrong > 0);
  const hasPeaks = times.some(({ peakBytes }) => peakBytes !== undefined);
  return {
    kind: 'table',
    caption: 'Time by stage',
    columns: [
      { title: 'stage' },
      { title: 'jobs', align: 'right' },
      {
        title: 'time',
        align: 'right',
        about: 'Over all its jobs, those that ran at once one after the other.',
      },
      { title: 'share', align: 'right' },
      { title: 'longest job', align: 'right' },
      ...(hasPeaks
        ? [{ title: 'memory', align: 'right', about: 'The most that a process was seen to need.' } as const]
        : []),
      ...(hasWrong
        ? [{ title: 'went wrong', align: 'right', about: 'Tries that failed or were stopped.' } as const]
        : []),
    ],
    interactive: true,
    rows: times.map(({ stage, jobs, seconds, longest, wrong: tries, peakBytes }) => [
      { text: stage },
      { text: String(jobs), value: jobs },
      { text: formatDuration(seconds), value: seconds },
      { text: `${(busy > 0 ? (100 * seconds) / busy : 0).toFixed(1)} %`, value: seconds },
      { text: formatDuration(longest.seconds), value: longest.seconds },
      ...(hasPeaks
        ? [{ text: peakBytes === undefined ? '' : formatBytes(peakBytes), value: peakBytes ?? 0 }]
        : []),
      ...(hasWrong ? [{ text: tries === 0 ? '' : String(tries), value: tries }] : []),
    ]),
  };
}

function unitOf(seconds: number): { readonly name: string; readonly seconds: number } {
  if (seconds < 180) return { name: 'seconds', seconds: 1 };
  return seconds < 3 * 3600 ? { name: 'minutes', seconds: 60 } : { name: 'hours', seconds: 3600 };
}
