import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { displayPath } from '../../config/problem.ts';
import type { ComparedRun } from '../../report/compared-run.ts';
import type { ReportPage } from '../../report/page.ts';
import { writePage } from '../../report/write-page.ts';
import { methods } from '../../stages/methods.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { fail } from '../../util/failure.ts';
import { formatBytes } from '../../util/format.ts';
import { findRun } from '../find-run.ts';
import type { ReportCommand } from './arguments.ts';
import { methodOfRun } from './method-of-run.ts';
import { reportFile } from './report-file.ts';
import { reportOfRun } from './report-of-run.ts';

/** Writes the page of a run, or of several side by side. Loads no engine. @returns the exit code */
export async function runReport(
  { runs, among, out, json }: ReportCommand,
  { stdout, cwd }: Surroundings,
): Promise<number> {
  const folders: string[] = [];
  for (const run of runs) folders.push(await findRun(run, among, cwd));
  const [only] = folders;
  const isOne = folders.length === 1 && only !== undefined;
  const page = isOne ? await reportOfRun(only) : await compared(folders);
  if (json) {
    stdout.write(`${JSON.stringify(page, null, 2)}\n`);
    return 0;
  }
  const own = isOne ? join(only, reportFile) : resolve(cwd, 'compared.html');
  const path = out === undefined ? own : resolve(cwd, out);
  const bytes = await writePage(path, isOne ? withLibraryFrom(page, only, dirname(path)) : page);
  stdout.write(`Report: ${displayPath(path, cwd)} (${formatBytes(bytes)})\n`);
  return 0;
}

/** The page names the library by its way from the run folder; a file that lies elsewhere has another way to it. */
function withLibraryFrom(page: ReportPage, runFolder: string, place: string): ReportPage {
  const sections = page.sections.map((section) => ({
    ...section,
    parts: section.parts.map((part) => {
      if (part.kind !== 'budget') return part;
      const way = relative(place, join(runFolder, part.library));
      // Another drive has no relative way.
      return { ...part, library: isAbsolute(way) ? way : way.split(sep).join('/') };
    }),
  }));
  return { ...page, sections };
}

async function compared(folders: readonly string[]): Promise<ReportPage> {
  const runs: ComparedRun[] = [];
  for (const folder of folders) runs.push(await comparedRun(folder));
  const { comparePage } = await import('../../report/compare/compare-page.ts');
  return comparePage(runs);
}

/** @throws BlockForgeError `file-missing` where no whole model was measured yet */
async function comparedRun(folder: string): Promise<ComparedRun> {
  const method = await methodOfRun(folder);
  for (const { report } of method === undefined ? methods : [method]) {
    const found = await (await report?.())?.compared(folder);
    if (found !== undefined) return found;
  }
  return fail({
    reason: 'file-missing',
    subject: folder,
    found: 'no whole model was measured in this run yet',
    expected: 'runs that have come to their results, to set side by side',
    next: `npm run pipeline -- report ${basename(folder)} tells how far it came`,
  });
}
