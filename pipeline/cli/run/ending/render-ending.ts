import { padTo, wrapTo } from '../../../terminal/width.ts';
import { nextCommands } from './next-commands.ts';
import type { RunResult } from './result-of.ts';

export interface EndingOptions {
  /** Undefined where the run has none: then it ends with what went wrong, and how it goes on. */
  readonly result: RunResult | undefined;
  /** What went wrong and how many jobs there were: `renderOutcome`. */
  readonly outcome: string;
  /** Names of the commands that there are. */
  readonly commands: readonly string[];
  readonly columns: number;
}

/** Rows of the smallest screen that is thought of; one is the shell's. */
const screen = 23;

/** The end of a run on one screen of 80 x 24: what it came to, what went wrong, where its results lie, what is typed next. */
export function renderEnding({ result, outcome, commands, columns }: EndingOptions): string {
  if (result === undefined) return outcome;
  const { places } = result;
  const labelled = (label: string, values: readonly (string | undefined)[]) =>
    values
      .filter((value) => value !== undefined)
      .map((value, i) => `${padTo(i === 0 ? `${label}:` : '', 9)}${value}`);
  const last = [
    ...labelled('Report', [places.report]),
    ...labelled('Library', [places.library]),
    ...labelled('Deployed', places.deployments),
    ...(places.library === undefined && places.report === undefined ? labelled('In', [places.run]) : []),
    ...labelled('Next', nextCommands(places, commands)),
  ];
  // A command is to be copied whole.
  const wrapped = outcome
    .split('\n')
    .flatMap((line) => (line.includes('npm run pipeline') ? [line] : wrapTo(line, columns, '  ')))
    .join('\n');
  const rest = wrapped.split('\n').length + last.length + 3;
  return [result.brief(columns, Math.max(6, screen - rest)).join('\n'), wrapped, last.join('\n')].join(
    '\n\n',
  );
}
