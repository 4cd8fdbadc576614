import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readDocument, type DocumentKind } from '../library/document.ts';
import { digest, positive } from '../library/manifest-parts.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { deviceFields, milliseconds, runtimeFields } from './profile-file.ts';

/**
 * What one machine needs for the sub-models of a device's package, one image at a time, as `measure-onnx.js` measures it. Strict;
 * it belongs to one package: its `manifestSha256` says to which.
 */
export const deviceProfileSchema = z.strictObject({
  kind: z.literal('blockforge-device-profile'),
  schemaVersion: z.literal(1),
  manifestSha256: digest,
  device: deviceFields,
  runtime: runtimeFields,
  /** Rounds that are not counted, and rounds that are; a round runs every model once, in a new order. */
  warmup: z.int().min(0),
  iterations: positive,
  models: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(100),
        macs: positive,
        p50: milliseconds,
        p90: milliseconds,
        macsPerSecond: z.number().positive(),
      }),
    )
    .min(1),
  /** Multiply-adds of all of them over the sum of their p50: what `devices` in a config wants. */
  macsPerSecond: z.number().positive(),
});

export type DeviceProfile = z.infer<typeof deviceProfileSchema>;

/** What a profile must be of: an opened device package is one. */
export interface Profiled {
  readonly folder: string;
  readonly manifestSha256: string;
  readonly manifest: { readonly models: readonly { readonly name: string; readonly macs: number }[] };
}

const kind: DocumentKind<DeviceProfile> = {
  kind: 'blockforge-device-profile',
  title: "device's latency profile",
  version: 1,
  schema: deviceProfileSchema,
  next: 'measure it again: npm run pipeline -- profile FOLDER, or node profile.mjs on the device',
  reason: 'file-invalid',
  maxBytes: 16 * 2 ** 20,
};

/** @throws BlockForgeError `file-invalid`, also where it is of another package */
export async function readDeviceProfile(
  path: string,
  { manifestSha256, manifest }: Profiled,
): Promise<DeviceProfile> {
  const profile = await readDocument(path, kind);
  const mismatch = (found: string, expected: string): never =>
    fail({ reason: 'file-invalid', subject: path, found, expected, next: kind.next });
  if (profile.manifestSha256 !== manifestSha256)
    mismatch(
      `a profile of the manifest ${profile.manifestSha256.slice(0, 12)}...`,
      `${manifestSha256.slice(0, 12)}..., this package's`,
    );
  const facts = (models: Profiled['manifest']['models']) =>
    models.map(({ name, macs }) => `${name} (${macs} MACs)`).join(', ');
  if (facts(profile.models) !== facts(manifest.models))
    mismatch(`times of ${facts(profile.models)}`, `of ${facts(manifest.models)}`);
  return profile;
}

/** Writes a profile to its place in the package, atomically; one of the same name is replaced. -> its path */
export async function saveDeviceProfile({ folder }: Profiled, profile: DeviceProfile): Promise<string> {
  const path = join(folder, 'profiles', `${profile.device.name}.json`);
  await writeJsonAtomic(path, profile);
  return path;
}

/** Paths of the profiles that lie in a package, by name; nothing is read. */
export async function deviceProfilePaths({ folder }: Pick<Profiled, 'folder'>): Promise<Map<string, string>> {
  const below = join(folder, 'profiles');
  const entries = await readdir(below).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const names = entries.filter((name) => name.endsWith('.json')).sort();
  return new Map(names.map((name) => [basename(name, '.json'), join(below, name)]));
}
