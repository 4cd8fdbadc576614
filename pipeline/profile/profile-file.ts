import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { readDocument, type DocumentKind } from '../library/document.ts';
import { digest, positive } from '../library/manifest-parts.ts';
import type { ManifestBlock } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';

/**
 * What one device needs for a library's parts, as `measure-onnx.js` and `measure-tfjs.ts` measure it. Milliseconds for
 * one batch. Strict, like the manifest. A profile belongs to one library: its `manifestSha256` says to which.
 */
export const profileVersion = 1;

export const milliseconds = z.number().positive().max(1e7);
const text = z.string().min(1).max(300);

/** p50 and p90 of the counted runs. */
const quantiles = { p50: milliseconds, p90: milliseconds };

const blockTime = z.strictObject({
  width: positive,
  /** Where blocks differ: those that the time is of, by index, ascending; absent: all. */
  blocks: z.array(z.int().min(0)).min(1).readonly().optional(),
  ...quantiles,
});

const composition = z.strictObject({
  /** Hidden units by block. */
  widths: z.array(positive).min(1),
  /** Frame plus blocks, as measured alone, and the same after the calibration. */
  predictedMs: milliseconds,
  calibratedMs: milliseconds,
  ...quantiles,
  /** `fit`: one of those that the calibration was made from; `check`: one of those that its error is reported on. */
  use: z.enum(['fit', 'check']),
});

const errors = z.number().min(0);

const batch = z.strictObject({
  batchSize: positive,
  /** The model with FFN blocks of one hidden unit. */
  frame: z.strictObject(quantiles),
  /** A block over every token of the batch: all blocks but the last. Widest first. */
  widths: z.array(blockTime).min(1),
  /** The last block, over the tokens that the head reads (`lastBlockTokens`). Widest first. */
  lastWidths: z.array(blockTime).min(1),
  composed: z.array(composition).min(2),
  /** measured = offsetMs + scale * predictedMs, least squares over the `fit` half; the errors are of the other half. */
  calibration: z.strictObject({
    scale: z.number().positive(),
    offsetMs: z.number(),
    meanAbsoluteErrorPercent: z.strictObject({ before: errors, after: errors }),
  }),
});

export const profileName = z
  .string()
  .regex(
    /^[\w][\w.-]{0,99}$/,
    'expected letters, digits, "_", "." or "-", at most 100, not starting with "." or "-"',
  );

/** The machine that was measured. */
export const deviceFields = z.strictObject({
  /** The profile's own name too. */
  name: profileName,
  cpuModel: text,
  logicalCores: positive,
  memoryBytes: positive,
  platform: text,
  arch: text,
});

export const runtimeFields = z.strictObject({
  name: z.enum(['onnxruntime', 'tfjs']),
  version: text,
  threads: positive,
});

export const profileSchema = z
  .strictObject({
    kind: z.literal('blockforge-profile'),
    schemaVersion: z.literal(profileVersion),
    /** Which library it was measured for, by the hash of its manifest.json. */
    manifestSha256: digest,
    device: deviceFields,
    runtime: runtimeFields,
    /** Rounds that are not counted, and rounds that are; a round runs every subject once, in a new order. */
    warmup: z.int().min(0),
    iterations: positive,
    /** Ascending by batch size. */
    batches: z.array(batch).min(1),
  })
  .superRefine(({ batches }, context) => {
    const sizes = batches.map(({ batchSize }) => batchSize);
    if (sizes.some((size, i) => i > 0 && size <= sizes[i - 1]!))
      context.addIssue({ code: 'custom', path: ['batches'], message: 'expected ascending batch sizes' });
  });

export type Profile = z.infer<typeof profileSchema>;
export type ProfileBatch = Profile['batches'][number];

const profileDocument: DocumentKind<Profile> = {
  kind: 'blockforge-profile',
  title: 'latency profile',
  version: profileVersion,
  schema: profileSchema,
  next: 'measure it again: npm run pipeline -- profile LIBRARY, or node profile.mjs on the device',
  reason: 'file-invalid',
  // Far above any real profile.
  maxBytes: 16 * 2 ** 20,
};

/**
 * @param library where given, the profile must be of this library: same manifest, every width, as many blocks
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export async function readProfile(path: string, library?: Library): Promise<Profile> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return fail({ reason: 'file-missing', subject: path, found: 'no such file' });
  if (!found.isFile())
    return fail({
      reason: 'file-invalid',
      subject: path,
      found: found.isDirectory() ? 'a folder, not a file' : 'a pipe, a socket or a device, not a plain file',
      expected: 'the JSON file of a profile',
    });
  const profile = await readDocument(path, profileDocument);
  if (library !== undefined) checkBelongs(profile, library, path);
  return profile;
}

/** @throws BlockForgeError `file-invalid` where the profile is of another library, or does not cover this one. */
function checkBelongs(profile: Profile, library: Library, path: string): void {
  const mismatch = (found: string, expected: string): never =>
    fail({
      reason: 'file-invalid',
      subject: path,
      found,
      expected,
      next: `measure it for this library: npm run pipeline -- profile ${library.folder}`,
    });
  const own = library.manifestSha256;
  if (profile.manifestSha256 !== own)
    mismatch(`a profile of another library (manifest ${profile.manifestSha256.slice(0, 12)}...)`, own);
  const { blocks } = library.manifest;
  for (const { batchSize, widths, lastWidths, composed } of profile.batches) {
    for (const [kind, times] of Object.entries({ widths, lastWidths })) {
      const own = kind === 'widths' ? blocks : blocks.slice(-1);
      const needed = descending(own.flatMap(widthsOf));
      const missing = descending(
        own.flatMap((block) =>
          widthsOf(block).filter((width) => timeOf(times, block.index, width) === undefined),
        ),
      );
      if (missing.length > 0)
        mismatch(
          `batch size ${batchSize}: ${kind} without ${missing.join(', ')}`,
          `every width of the library: ${needed.join(', ')}`,
        );
    }
    const odd = composed.find((model) => model.widths.length !== blocks.length);
    if (odd !== undefined)
      mismatch(`a composed model of ${odd.widths.length} blocks`, `${blocks.length} blocks`);
  }
}

type BlockTime = z.infer<typeof blockTime>;

/** What was measured of a block at a width. */
export function timeOf(times: readonly BlockTime[], block: number, width: number): BlockTime | undefined {
  return times.find((time) => time.width === width && (time.blocks?.includes(block) ?? true));
}

const widthsOf = ({ descendants }: ManifestBlock): number[] => descendants.map(({ width }) => width);

const descending = (widths: readonly number[]): number[] => [...new Set(widths)].sort((a, b) => b - a);

export function profilePath(library: Pick<Library, 'folder'>, name: string): string {
  return join(library.folder, 'profiles', `${name}.json`);
}

/** Writes a profile to its place in the library, atomically; one of the same name is replaced. -> its path */
export async function saveProfile(library: Library, profile: Profile): Promise<string> {
  const path = profilePath(library, profile.device.name);
  await writeJsonAtomic(path, profile);
  return path;
}

/**
 * A profile of a library by its name (`laptop`) or by the path of its file.
 * @throws BlockForgeError `file-missing` with the names that are there, `file-invalid`
 */
export async function findProfile(library: Library, nameOrPath: string): Promise<Profile> {
  const place = nameOrPath.endsWith('.json') ? nameOrPath : profilePath(library, nameOrPath);
  const names = await profileNames(library);
  if (place !== nameOrPath && !names.includes(nameOrPath)) {
    fail({
      reason: 'file-missing',
      subject: `profile ${nameOrPath}`,
      found: `not in ${join(library.folder, 'profiles')}`,
      expected: names.length === 0 ? 'a profile; there is none yet' : `one of: ${names.join(', ')}`,
      next: `npm run pipeline -- profile ${library.folder} measures one`,
    });
  }
  return readProfile(place, library);
}

/** Names of the profiles in the library's folder, sorted; nothing is read. */
export async function profileNames({ folder }: Pick<Library, 'folder'>): Promise<string[]> {
  const entries = await readdir(join(folder, 'profiles')).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((name) => name.endsWith('.json'))
    .map((name) => basename(name, '.json'))
    .sort();
}

/** What a library carries as `profile.mjs`: `measure-onnx.js` as it is, which needs nothing from this code base. */
export function profileScript(): Promise<string> {
  return readFile(new URL('./measure-onnx.js', import.meta.url), 'utf8');
}
