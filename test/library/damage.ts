import { existsSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../pipeline/library/manifest.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { temporaryFolder, writtenLibrary } from './fixture.ts';

/** Copies of the fixture's library to do harm to. */
export interface Patients {
  /** The library that all copies are made from: not to be changed. */
  readonly path: string;
  /** A fresh copy, with the manifest changed if asked for. */
  copy(change?: (manifest: Manifest) => unknown): Promise<string>;
  remove(): Promise<void>;
}

export async function patients(): Promise<Patients> {
  const whole = await writtenLibrary();
  const scratch = await temporaryFolder();
  const text = await readFile(join(whole.path, 'manifest.json'), 'utf8');
  let copies = 0;
  return {
    path: whole.path,
    async copy(change) {
      const path = join(scratch.path, String(copies++), 'library');
      await cp(whole.path, path, { recursive: true });
      if (change !== undefined) {
        const manifest = JSON.parse(text) as Manifest;
        const replaced = change(manifest);
        await writeFile(join(path, 'manifest.json'), JSON.stringify(replaced ?? manifest));
      }
      return path;
    },
    async remove() {
      await Promise.all([whole.remove(), scratch.remove()]);
    },
  };
}

export async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
}

/** Turns one bit, in place. @param at from the end where negative */
export async function flipBit(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  await writeFile(path, bytes);
}

/** Exchanges two files. */
export async function exchange(folder: string, a: string, b: string): Promise<void> {
  const [first, second] = await Promise.all([readFile(join(folder, a)), readFile(join(folder, b))]);
  await writeFile(join(folder, a), second);
  await writeFile(join(folder, b), first);
}

/** Enters what lies there now as what the manifest vouches for: damage that only looking inside can find. */
export async function vouchFor(folder: string, ...paths: readonly string[]): Promise<void> {
  const composition = join(folder, 'composition.json');
  const path = existsSync(composition) ? composition : join(folder, 'manifest.json');
  const manifest: unknown = JSON.parse(await readFile(path, 'utf8'));
  for (const name of paths) {
    const entries: Manifest['frame'][] = [];
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      if ('path' in value && value.path === name) entries.push(value as Manifest['frame']);
      Object.values(value).forEach(collect);
    };
    collect(manifest);
    const full = join(folder, name);
    for (const entry of entries) {
      Object.assign(entry, { sizeBytes: (await readFile(full)).length, sha256: await sha256File(full) });
    }
  }
  await rm(path);
  await writeFile(path, JSON.stringify(manifest));
}
