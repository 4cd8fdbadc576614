import type { Nvidia } from '../../../scripts/setup/nvidia/look.js';
import type { InstalledEngines } from '../../tensor/installed.ts';
import { formatBytes } from '../../util/format.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import type { DoctorCommand } from './arguments.ts';
import { examine, type DoctorReport } from './examine.ts';
import { functionsLine } from './functions.ts';

/** Looks this machine over. @returns the exit code */
export async function runDoctor({ json }: DoctorCommand, { stdout, cwd }: Surroundings): Promise<number> {
  const report = await examine(cwd);
  stdout.write(`${json ? JSON.stringify(report, null, 2) : renderReport(report)}\n`);
  return 0;
}

/** The report for people, without a line break at its end. */
export function renderReport(report: DoctorReport): string {
  const { engine, processor, memory, disk, gpus, nvidia, cuda, installed, advice } = report;
  const rows: [string, string][] = [
    ['engine', engine.description],
    ...(engine.note === undefined ? [] : [['', engine.note] satisfies [string, string]]),
    ['processes', `${report.processes} side by side`],
    ['tensorflow', tensorflowLine(installed)],
    ...(report.functions === undefined
      ? []
      : [['functions', functionsLine(report.functions)] satisfies [string, string]]),
    ...(installed.webgpu === undefined
      ? []
      : [['webgpu', `${installed.webgpu.version}, for --engine webgpu`] satisfies [string, string]]),
    [
      'GPUs',
      gpus.length === 0 ? 'none visible' : gpus.map(({ device, name }) => `${device}: ${name}`).join(', '),
    ],
  ];
  if (nvidia?.driver !== undefined) rows.push(['', `driver ${nvidia.driver}${capabilities(nvidia)}`]);
  if (cuda !== undefined) {
    rows.push(['CUDA', `found ${cuda.found.join(', ') || 'nothing'}`]);
    if (cuda.missing.length > 0) rows.push(['', `missing ${cuda.missing.join(', ')}`]);
  }
  rows.push(
    ['processor', `${processor.model}, ${processor.threads} threads`],
    ['memory', `${formatBytes(memory.freeBytes)} free of ${formatBytes(memory.totalBytes)}`],
    ['disk', `${formatBytes(disk.freeBytes)} free at ${disk.folder}`],
    ['Node.js', `${report.node.version}${report.node.supported ? '' : ' (20.19 or newer is needed)'}`],
  );
  const lines = rows.map(([label, value]) => `${label.padEnd(12)}${value}`);
  lines.push(
    '',
    advice === undefined ? 'Nothing to improve.' : `To improve: ${advice.command}\n  because ${advice.why}`,
  );
  return lines.join('\n');
}

function capabilities({ cards }: Nvidia): string {
  const known = cards.flatMap(({ capability }) => capability ?? []);
  return known.length === 0 ? '' : `, compute capability ${[...new Set(known)].join(', ')}`;
}

function tensorflowLine({ tensorflow, why }: InstalledEngines): string {
  if (tensorflow === undefined) return `not installed: ${why.join('; ') || 'no reason was recorded'}`;
  return `${tensorflow.version} (${tensorflow.variant}) in ${tensorflow.folder}`;
}
