import { previewRun } from '../../runner/run.ts';
import { methods as allMethods } from '../../stages/methods.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { fail } from '../../util/failure.ts';
import { prepareRun, type PreparedRun } from '../run/prepare.ts';
import { showPlan } from '../run/show-plan.ts';
import type { PlanCommand } from './arguments.ts';
import { writeScripts } from './write-scripts.ts';

/** Shows a plan, checks that it was done, or writes it down for a scheduler. @returns the exit code */
export async function runPlan(
  command: PlanCommand,
  around: Surroundings,
  methods = allMethods,
): Promise<number> {
  const { format, check } = command;
  const isShown = !check && (format === 'table' || format === 'json');
  const prepared = await prepareRun(command, around, methods, isShown);
  if (check) await checkDone(command, prepared, around);
  else if (format === 'table' || format === 'json') return showPlan(command, prepared, around);
  else await writeScripts(command, format, prepared, around);
  return 0;
}

/** @throws BlockForgeError `job-failed` where a job is not up to date */
async function checkDone(
  { from, only, json }: PlanCommand,
  { method, input, runFolder }: PreparedRun,
  { stdout }: Surroundings,
): Promise<void> {
  const { engine, loaded } = input;
  const rows = await previewRun({ stages: method.stages, input, engine, runFolder, from, only });
  const open = rows.filter(({ state }) => state !== 'fresh');
  const first = open[0];
  if (json) stdout.write(`${JSON.stringify({ jobs: rows.length, open })}\n`);
  if (first === undefined) {
    if (!json) stdout.write(`${loaded.name}: all ${rows.length} jobs are up to date\n`);
    return;
  }
  const shown = open.slice(0, 8).map(({ job, state, why }) => `${job} (${state.replace('-', ' ')}: ${why})`);
  const more = open.length - shown.length;
  fail({
    reason: 'job-failed',
    subject: loaded.name,
    found: `${open.length} of ${rows.length} jobs are not up to date: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    expected: 'all of them',
    next: 'what failed says why in the run folder, events/; the same scripts go on with what is left',
  });
}
