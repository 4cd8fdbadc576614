import { displayPath } from '../../config/problem.ts';
import { groupJobs, groupsId } from '../../runner/groups.ts';
import { makePlan } from '../../runner/plan.ts';
import { previewRun } from '../../runner/run.ts';
import { sideBySide } from '../../runner/side-by-side.ts';
import { describeOrder } from '../../stages/common/classes.ts';
import { engineSlots } from '../../tensor/installed.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { usableMemoryBytes } from '../../util/cgroup.ts';
import type { RunCommand } from './arguments.ts';
import { renderPlan } from './plan.ts';
import type { PreparedRun } from './prepare.ts';

/** Prints what a run would do. @returns the exit code */
export async function showPlan(
  { from, only, retryFailed, json }: Pick<RunCommand, 'from' | 'only' | 'retryFailed' | 'json'>,
  { method, input, runFolder, assumed, missing }: PreparedRun,
  { cwd, stdout, stderr }: Surroundings,
): Promise<number> {
  const { engine } = input;
  const rows = await previewRun({ stages: method.stages, input, engine, runFolder, from, only, retryFailed });
  const slots = engineSlots(engine).count;
  const plan = makePlan(method.stages, input, engine, {
    from,
    only,
    ...(retryFailed === true && { jobs: new Set(rows.map(({ job }) => job)) }),
  });
  const fresh = new Set(rows.filter(({ state }) => state === 'fresh').map(({ job }) => job));
  const facts = {
    run: input.loaded.name,
    folder: displayPath(runFolder, cwd),
    engine,
    slots,
    memoryBytes: usableMemoryBytes(),
    data: [
      ...(input.inputs.dataAccount ?? []),
      ...describeOrder(input.inputs.classes),
      ...(method.notes?.(input) ?? []),
    ],
    ...(assumed.length > 0 && { assumed }),
    ...(missing.length > 0 && { missing }),
    warnings: input.warnings,
    sideBySide: sideBySide(plan, (id) => !fresh.has(id), slots),
    frees: method.frees?.(input.loaded.config),
  };
  if (json) {
    const groups = groupJobs(plan);
    const planId = groupsId(groups);
    const named = groups.map(({ name, jobs, waits }) => ({
      name,
      jobs: jobs.map(({ job }) => job.id),
      waits,
    }));
    const text = JSON.stringify({ ...facts, folder: runFolder, jobs: rows, planId, groups: named });
    stdout.write(`${text}\n`);
    return 0;
  }
  stdout.write(`${renderPlan(rows, facts, stdout.paint, stdout.columns)}\n`);
  for (const line of input.warnings ?? []) stderr.write(`warning: ${line}\n`);
  return 0;
}
