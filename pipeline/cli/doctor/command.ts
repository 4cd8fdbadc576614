import type { Surroundings } from '../../terminal/terminal.ts';
import type { DoctorCommand } from './arguments.ts';
import { examine } from './examine.ts';
import { renderReport } from './render.ts';

/** Looks this machine over. @returns the exit code */
export async function runDoctor({ json }: DoctorCommand, { stdout, cwd }: Surroundings): Promise<number> {
  const report = await examine(cwd);
  stdout.write(`${json ? JSON.stringify(report, null, 2) : renderReport(report)}\n`);
  return 0;
}
