import { command, type Command } from './command.ts';
import { composeArguments } from './compose/arguments.ts';
import { demoArguments } from './demo/arguments.ts';
import { doctorArguments } from './doctor/arguments.ts';
import { deployArguments } from './deploy/arguments.ts';
import { legodnnArguments } from './legodnn/arguments.ts';
import { planArguments } from './plan/arguments.ts';
import { predictArguments } from './predict/arguments.ts';
import { profileArguments } from './profile/arguments.ts';
import { reportArguments } from './report/arguments.ts';
import { runArguments } from './run/arguments.ts';
import { runJobArguments } from './run-job/arguments.ts';
import { serveArguments } from './serve/arguments.ts';
import { showArguments } from './show/arguments.ts';
import { statusArguments } from './status/arguments.ts';
import { verifyArguments } from './verify/arguments.ts';
import { workerArguments } from './worker/arguments.ts';

/** All commands, in the order of the help. A new one is its folder and its line here. */
export const commands: readonly Command[] = [
  command(runArguments, async () => (await import('./run/command.ts')).runPipeline),
  command(planArguments, async () => (await import('./plan/command.ts')).runPlan),
  command(runJobArguments, async () => (await import('./run-job/command.ts')).runRunJob),
  command(showArguments, async () => (await import('./show/command.ts')).runShow),
  command(statusArguments, async () => (await import('./status/command.ts')).runStatus),
  command(reportArguments, async () => (await import('./report/command.ts')).runReport),
  command(doctorArguments, async () => (await import('./doctor/command.ts')).runDoctor),
  command(composeArguments, async () => (await import('./compose/command.ts')).runCompose),
  command(demoArguments, async () => (await import('./demo/command.ts')).runDemo),
  command(verifyArguments, async () => (await import('./verify/command.ts')).runVerify),
  command(profileArguments, async () => (await import('./profile/command.ts')).runProfile),
  command(legodnnArguments, async () => (await import('./legodnn/command.ts')).runLegodnn),
  command(serveArguments, async () => (await import('./serve/command.ts')).runServe),
  command(predictArguments, async () => (await import('./predict/command.ts')).runPredict),
  command(deployArguments, async () => (await import('./deploy/command.ts')).runDeploy),
  command(workerArguments, async () => (await import('./worker/command.ts')).runWorker),
];
