import { command, type Command } from './command.ts';
import { composeArguments } from './compose/arguments.ts';
import { doctorArguments } from './doctor/arguments.ts';
import { deployArguments } from './deploy/arguments.ts';
import { legodnnArguments } from './legodnn/arguments.ts';
import { predictArguments } from './predict/arguments.ts';
import { profileArguments } from './profile/arguments.ts';
import { runArguments } from './run/arguments.ts';
import { serveArguments } from './serve/arguments.ts';
import { showArguments } from './show/arguments.ts';
import { verifyArguments } from './verify/arguments.ts';

/** All commands, in the order of the help. A new one is its folder and its line here. */
export const commands: readonly Command[] = [
  command(runArguments, async () => (await import('./run/command.ts')).runPipeline),
  command(showArguments, async () => (await import('./show/command.ts')).runShow),
  command(doctorArguments, async () => (await import('./doctor/command.ts')).runDoctor),
  command(composeArguments, async () => (await import('./compose/command.ts')).runCompose),
  command(verifyArguments, async () => (await import('./verify/command.ts')).runVerify),
  command(profileArguments, async () => (await import('./profile/command.ts')).runProfile),
  command(legodnnArguments, async () => (await import('./legodnn/command.ts')).runLegodnn),
  command(serveArguments, async () => (await import('./serve/command.ts')).runServe),
  command(predictArguments, async () => (await import('./predict/command.ts')).runPredict),
  command(deployArguments, async () => (await import('./deploy/command.ts')).runDeploy),
];
