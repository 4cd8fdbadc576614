import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '../util/hash.ts';
import { compositionFile, findModel } from '../compose/open-model.ts';
import { ownerProblems } from './model-owner.ts';
import type { Library } from '../library/open.ts';
import { tally, type Check, type Finding, type Note, type VerifyOptions } from './finding.ts';
import { verifyModel } from './model.ts';
import { notListed } from './unlisted.ts';

/** What `compose` leaves where it is stopped in the middle. */
const unfinished = /\.tmp-[0-9a-f]{8}(-old)?$/;

/**
 * Every folder under `models/`: whole in itself, made from this very manifest, and of the library's own weights.
 * @returns no check where there are none
 */
export async function verifyModels(
  library: Library,
  findings: Finding[],
  { signal, onProgress }: VerifyOptions = {},
): Promise<{ readonly checks: readonly Check[]; readonly notes: readonly Note[] }> {
  const check = tally('models', findings);
  const notes: Note[] = [];
  const entries = await modelEntries(library.folder);
  const manifestSha256 = entries.length === 0 ? '' : await sha256File(join(library.folder, 'manifest.json'));
  for (const [index, entry] of entries.entries()) {
    signal?.throwIfAborted();
    const below = `models/${entry.name}`;
    if (!entry.isDirectory()) {
      notes.push({ file: below, note: entry.isSymbolicLink() ? 'a link, not followed' : notListed });
      continue;
    }
    if (unfinished.test(entry.name)) {
      notes.push({ file: below, note: 'left by a command that was stopped; it can be deleted' });
      continue;
    }
    const path = await findModel(join(library.folder, below));
    if (path === undefined) {
      const found = `no ${compositionFile}`;
      check.find({ check: 'models', file: below, found, expected: 'a model folder, as compose writes it' });
      continue;
    }
    const model = await verifyModel(path, {
      ...(signal && { signal }),
      onProgress: ({ fraction, note }) =>
        onProgress?.({ fraction: (index + fraction) / entries.length, note: `${below}: ${note}` }),
    });
    const wrong = [
      ...model.findings,
      ...(model.manifest === undefined ? [] : ownerProblems(library, manifestSha256, model.manifest)),
    ];
    if (wrong.length === 0) check.pass();
    else
      check.find(
        ...wrong.map((finding) => ({
          ...finding,
          check: 'models' as const,
          file: `${below}/${finding.file}`,
        })),
      );
    notes.push(...model.notes.map(({ file, note }) => ({ file: `${below}/${file}`, note })));
  }
  const result = check.result();
  return { checks: result.of === 0 ? [] : [result], notes };
}

/** In their order. A `models` that is a link is none of this library. */
async function modelEntries(folder: string) {
  const models = join(folder, 'models');
  const found = await lstat(models).catch(() => undefined);
  if (!found?.isDirectory()) return [];
  const entries = await readdir(models, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
