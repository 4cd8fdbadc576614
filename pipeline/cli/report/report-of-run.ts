import type { Config } from '../../config/schema.ts';
import { readHistory } from '../../report/common/read-history.ts';
import type { RunHistory } from '../../report/common/run-history.ts';
import { timeSection } from '../../report/common/time-section.ts';
import { warningsSection } from '../../report/common/warnings-section.ts';
import { workClock } from '../../report/common/work-clock.ts';
import type { Fact, ReportPage, Section } from '../../report/page.ts';
import { wholePage } from '../../report/whole-page.ts';
import type { Method, ReportOf } from '../../stages/common/method.ts';
import { provenanceSection } from '../../stages/common/page/provenance-section.ts';
import { runFacts } from '../../stages/common/page/run-facts.ts';
import { readRunRecords } from '../../stages/common/page/run-records.ts';
import { methods } from '../../stages/methods.ts';
import { BlockForgeError } from '../../util/failure.ts';
import { formatDuration } from '../../util/format.ts';
import { programVersion } from '../../util/program-version.ts';
import { runLooker } from '../status/look-at-run.ts';
import type { RunStatus } from '../status/run-status.ts';
import { handedOn } from './handed-on.ts';
import { methodOfRun } from './method-of-run.ts';
import { passedGates } from './passed-gates.ts';

/**
 * The report of a run folder as data, of whatever method, finished or not. Loads no engine, writes nothing.
 * @param runFolder absolute
 */
export async function reportOfRun(
  runFolder: string,
  among: readonly Method<Config>[] = methods,
): Promise<ReportPage> {
  const method = await methodOfRun(runFolder, among);
  const asked = method === undefined ? among : [method];
  const [own, status, history, records, program] = await Promise.all([
    firstPage(runFolder, asked),
    runLooker(runFolder)(),
    readHistory(runFolder),
    readRunRecords(runFolder),
    programVersion(),
  ]);
  const retried = history.tries.filter(({ end }) => end === 'retried').length;
  const time = timeSection(history);
  const sections: readonly Section[] = [
    ...(time === undefined ? [] : [time]),
    warningsSection({ ...status, retried }, passedGates(status, own.gates)),
    provenanceSection(records, await handedOn(runFolder, method), program),
  ];
  return wholePage(own.page, {
    title: status.run,
    facts: [...runFacts(records, method?.name), ...timeFacts(history)],
    sections,
    unfinished: [...unfinished(status), ...own.troubles],
  });
}

interface OwnPage {
  readonly page: ReportPage | undefined;
  readonly gates: ReportOf['gates'];
  /** What of the folder could not be read; sentences. */
  readonly troubles: readonly string[];
}

/** What the method says of its run: the first of those that know it. */
async function firstPage(runFolder: string, among: readonly Method<Config>[]): Promise<OwnPage> {
  const troubles: string[] = [];
  let gates: ReportOf['gates'];
  for (const method of among) {
    const report = await method.report?.();
    gates = report?.gates;
    try {
      const page = await report?.page(runFolder);
      if (page !== undefined) return { page, gates, troubles };
    } catch (error) {
      if (!(error instanceof BlockForgeError)) throw error;
      const { subject, found } = error.failure;
      troubles.push(`Some of the run cannot be read: ${subject}: ${found}.`);
    }
  }
  return { page: undefined, gates: among.length === 1 ? gates : undefined, troubles };
}

function timeFacts({ sessions, tries }: RunHistory): readonly Fact[] {
  const clock = workClock([...sessions, ...tries]);
  const times = [...sessions, ...tries];
  const started = times.reduce((least, { started }) => Math.min(least, started), Infinity);
  const ended = times.reduce((most, { ended }) => Math.max(most, ended), -Infinity);
  const starts = sessions.length > 1 ? `, over ${sessions.length} starts` : '';
  if (times.length === 0) return [];
  return [
    { label: 'Time', value: `${formatDuration(clock.totalSeconds)}${starts}` },
    { label: 'Begun', value: dateOf(started) },
    { label: 'Last at work', value: dateOf(ended) },
  ];
}

function dateOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** What is missing, for a run that has not come to its end. */
function unfinished({ state, jobs, stages }: RunStatus): readonly string[] {
  if (state === 'finished') return [];
  const how =
    state === 'running' ? 'is still at work' : state === 'failed' ? 'ended with failures' : 'was stopped';
  const open = stages.filter((stage) => stage.done < stage.jobs).map(({ stage }) => stage);
  return [
    `This run ${how}: ${jobs.done} of ${jobs.jobs} jobs are done.`,
    ...(open.length === 0 ? [] : [`Not whole: ${open.join(', ')}; what they would tell is missing here.`]),
  ];
}
