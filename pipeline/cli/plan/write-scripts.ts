import { chmod } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { displayPath } from '../../config/problem.ts';
import { makePlan } from '../../runner/plan.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { writeFileAtomic } from '../../util/atomic.ts';
import type { PreparedRun } from '../run/prepare.ts';
import type { PlanCommand, PlanFormat } from './arguments.ts';
import { writeKubernetes } from './formats/kubernetes.ts';
import { writeMake } from './formats/make.ts';
import { makeScriptPlan, type ScriptFile, type ScriptPlan } from './formats/script-plan.ts';
import { writeSlurm } from './formats/slurm.ts';

export type ScriptFormat = Exclude<PlanFormat, 'table' | 'json'>;

const writers: Readonly<Record<ScriptFormat, (plan: ScriptPlan) => readonly ScriptFile[]>> = {
  slurm: writeSlurm,
  kubernetes: writeKubernetes,
  make: writeMake,
};

/** Writes a plan down for a scheduler: into a folder, or the first of its files on the screen. */
export async function writeScripts(
  command: PlanCommand,
  format: ScriptFormat,
  prepared: PreparedRun,
  { cwd, stdout }: Surroundings,
): Promise<void> {
  const { method, input } = prepared;
  const plan = makePlan(method.stages, input, input.engine);
  const files = writers[format](makeScriptPlan(command, prepared, plan, cwd, command.script));
  if (command.out === undefined) {
    stdout.write(files[0]!.text);
    return;
  }
  for (const { name, text, isProgram } of files) {
    const path = join(resolve(cwd, command.out), name);
    await writeFileAtomic(path, text);
    if (isProgram) await chmod(path, 0o755);
    stdout.write(`${displayPath(path, cwd)}\n`);
  }
}
