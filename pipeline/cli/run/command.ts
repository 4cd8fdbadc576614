import { methods as allMethods } from '../../stages/methods.ts';
import { watchStops } from '../../terminal/stops.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import type { RunCommand } from './arguments.ts';
import { commandToGoOn } from './command-to-go-on.ts';
import { prepareRun } from './prepare.ts';
import { stoppedEarly } from './stopped-early.ts';

/** Plans or runs the pipeline. @returns the exit code */
export async function runPipeline(
  command: RunCommand,
  around: Surroundings,
  methods = allMethods,
): Promise<number> {
  if (!command.plan) return runUntilStopped(command, around, methods);
  const prepared = await prepareRun(command, around, methods, true);
  const { showPlan } = await import('./show-plan.ts');
  return showPlan(command, prepared, around);
}

async function runUntilStopped(
  command: RunCommand,
  around: Surroundings,
  methods: typeof allMethods,
): Promise<number> {
  const stops = watchStops({ after: command.stopAfter });
  try {
    const prepared = await stops.before(prepareRun(command, around, methods));
    if (prepared === undefined) {
      around.stderr.write(stoppedEarly(stops.why, commandToGoOn(command), command));
      return stops.exitCode;
    }
    const { executeRun } = await import('./execute.ts');
    return await executeRun(command, prepared, around, stops);
  } finally {
    stops.dispose();
  }
}
