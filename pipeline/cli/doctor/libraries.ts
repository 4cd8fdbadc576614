import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The CUDA 12 libraries that TensorFlow 2.21 opens by name, and the driver's own. */
export const cudaLibraries = [
  'libcuda.so.1',
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcudnn.so.9',
  'libcufft.so.11',
  'libcusolver.so.11',
  'libcusparse.so.12',
  'libnccl.so.2',
] as const;

/** Which of these shared libraries a program would find: in a folder of its own, on LD_LIBRARY_PATH, or in the system's list. */
export function findLibraries(
  names: readonly string[],
  ownFolder?: string,
): { readonly found: readonly string[]; readonly missing: readonly string[] } {
  const paths = (process.env.LD_LIBRARY_PATH ?? '').split(':');
  const folders = [ownFolder ?? '', ...paths].filter((name) => name !== '');
  const listing = spawnSync('ldconfig', ['-p'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/sbin:/usr/sbin` },
  });
  const system = listing.error === undefined ? listing.stdout : '';
  const isThere = (name: string): boolean =>
    system.includes(`${name} `) || folders.some((folder) => existsSync(join(folder, name)));
  return { found: names.filter(isThere), missing: names.filter((name) => !isThere(name)) };
}
