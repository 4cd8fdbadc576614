import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { nearest } from '../config/nearest.ts';
import { fail } from '../util/failure.ts';

/** What says that a folder was handed on by the run that it lies in. */
const handedOn = ['manifest.json', 'deployment.json'];

/**
 * The absolute path of a run folder: given as such, by its name below `runs`, or by the library or deployment that lies in it.
 * @throws BlockForgeError `file-missing`
 */
export async function findRun(run: string, runs: string, cwd: string): Promise<string> {
  const places = [resolve(cwd, run), resolve(cwd, runs, run)];
  for (const place of places) {
    if (await isRun(place)) return place;
    const isPart = (await Promise.all(handedOn.map((name) => isThere(join(place, name))))).includes(true);
    if (isPart && (await isRun(dirname(place)))) return dirname(place);
  }
  const found = await Promise.all(places.map(isThere));
  const near = nearest(run, await readdir(resolve(cwd, runs)).catch(() => []));
  return fail({
    reason: 'file-missing',
    subject: run,
    found: found.includes(true) ? 'no run was ever started there' : 'no such run',
    expected: `a run folder, or the name of one in ${resolve(cwd, runs)}`,
    next: near === undefined ? undefined : `did you mean "${near}"?`,
  });
}

async function isRun(folder: string): Promise<boolean> {
  const marks = ['.status', 'events.jsonl', 'events'].map((name) => isThere(join(folder, name)));
  return (await Promise.all(marks)).includes(true);
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
