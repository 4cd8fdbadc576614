/**
 * Time left: what a run's screen says of it against what it then took, by replaying recorded runs.
 *
 * `npm run bench -- time-left [--record RUN CONFIG NAME ABOUT [key.path=value ...]]`. The bar: within 25 % when a tenth of the run
 * has passed. Estimates are those of the plan at the time of recording.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { renderTable } from '../pipeline/terminal/table.ts';
import { plannedJobs } from './time-left/planned-jobs.ts';
import { readRecordedRun, recordRun } from './time-left/recorded-run.ts';
import { replay } from './time-left/replay.ts';

const folder = join(import.meta.dirname, 'time-left');
const shares = [0.1, 0.25, 0.5, 0.75];
const bar = 0.25;

const [option, run, config, name, about, ...overrides] = process.argv.slice(2);
if (option === '--record' && run && config && name && about) {
  const plan = await plannedJobs(config, overrides);
  const { jobs, seconds, slots } = recordRun(run, join(folder, `${name}.json.gz`), about, plan);
  console.log(`${name}: ${jobs.length} jobs, ${seconds.toFixed(0)} s, ${slots} at once`);
} else report();

function report(): void {
  const names = readdirSync(folder).filter((file) => file.endsWith('.json.gz'));
  const runs = names.map((file) => ({
    name: file.replace('.json.gz', ''),
    run: readRecordedRun(join(folder, file)),
  }));
  const rows = runs.map((entry) => ({
    ...entry,
    errors: replay(entry.run, shares).map(({ error }) => error),
  }));
  const columns = [
    { title: 'run' },
    { title: 'took s', align: 'right' },
    { title: 'slots', align: 'right' },
    ...shares.map((share) => ({ title: `at ${100 * share} %`, align: 'right' }) as const),
  ] as const;
  const cells = rows.map(({ name: text, run: recorded, errors }) => [
    text,
    recorded.seconds.toFixed(0),
    String(recorded.slots),
    ...errors.map((error) => percent(error)),
  ]);
  const sizes = shares.map((_, i) => rows.map(({ errors }) => Math.abs(errors[i]!)));
  const summary = (title: string, of: (all: readonly number[]) => string) => [
    title,
    '',
    '',
    ...sizes.map(of),
  ];
  cells.push(
    summary('mean size', (all) => percent(all.reduce((a, b) => a + b, 0) / all.length, '')),
    summary('largest', (all) => percent(Math.max(...all), '')),
    summary('within 25 %', (all) => `${all.filter((size) => size <= bar).length} of ${all.length}`),
  );
  console.log('What was said of the time left against what was left\n');
  console.log(renderTable(columns, cells).join('\n'));
  console.log(`\n${runs.map(({ name: text, run: recorded }) => `${text}: ${recorded.about}`).join('\n')}`);
}

function percent(share: number, plus = '+'): string {
  return `${share >= 0 ? plus : ''}${(100 * share).toFixed(0)} %`;
}
