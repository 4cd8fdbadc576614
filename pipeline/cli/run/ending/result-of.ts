import { join } from 'node:path';
import type { Config } from '../../../config/schema.ts';
import { displayPath } from '../../../config/problem.ts';
import type { Method } from '../../../stages/common/method.ts';
import { BlockForgeError } from '../../../util/failure.ts';
import type { RunPlaces } from './places.ts';

/** What is told of a run that has its result. */
export interface RunResult {
  readonly places: RunPlaces;
  /** What it came to, for so many columns and in so many lines at most. */
  readonly brief: (columns: number, rows: number) => readonly string[];
}

/** @param report where report.html was written: absolute */
export async function resultOf(
  { ending, library }: Pick<Method<Config>, 'ending' | 'library'>,
  { runFolder, report }: { readonly runFolder: string; readonly report?: string | undefined },
  cwd: string,
): Promise<RunResult | undefined> {
  const shown = (path: string) => displayPath(path, cwd);
  const places = {
    run: shown(runFolder),
    report: report === undefined ? undefined : shown(report),
    library: library === undefined ? undefined : shown(join(runFolder, 'library')),
    deployments: [],
  };
  if (ending !== undefined) {
    const found = await ending.read(runFolder);
    if (found === undefined) return undefined;
    const deployments = found.deployments.map((name) => shown(join(runFolder, name)));
    return { places: { ...places, deployments }, brief: found.brief };
  }
  return ofLibrary(places, join(runFolder, 'library'));
}

async function ofLibrary(places: RunPlaces, folder: string): Promise<RunResult> {
  const { readLibrarySummary } = await import('../../show/read.ts');
  const { briefLibrary } = await import('./brief-library.ts');
  try {
    const summary = await readLibrarySummary(folder);
    const isClassifier = summary.measure === undefined;
    return {
      places: { ...places, isClassifier },
      brief: (columns, rows) => briefLibrary(summary, columns, rows),
    };
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    const { message } = error;
    return { places, brief: () => [`Library: ${message}`] };
  }
}
