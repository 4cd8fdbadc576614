import { withSafetensors, type NamedArrays } from '../model/safetensors.ts';
import type { ManifestFile } from '../library/manifest.ts';
import type { OpenOptions } from '../library/open.ts';
import { coordinatorKind, type CoordinatorManifest } from './coordinator-manifest.ts';
import { readCoordinatorSelfTest, type CoordinatorSelfTest } from './coordinator-self-test.ts';
import { openPackage, type OpenPackage } from './open-package.ts';

/** Who fuses what devices send, opened. */
export interface Coordinator extends OpenPackage<CoordinatorManifest> {
  /** The tensors of the fusion as they lie in its file. @throws BlockForgeError `file-invalid` */
  readFusionArrays(): Promise<NamedArrays>;
  /** @throws BlockForgeError `library-invalid`, `file-invalid` */
  readSelfTest(): Promise<CoordinatorSelfTest>;
}

/**
 * Opens the folder of a coordinator; see `openPackage`. Loads no engine.
 * @param path the folder, or its manifest.json
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openCoordinator(path: string, options: OpenOptions = {}): Promise<Coordinator> {
  const opened = await openPackage(path, 'manifest.json', coordinatorKind, coordinatorFiles, options);
  const { manifest, files } = opened;
  return {
    ...opened,
    readFusionArrays: () => files.read(manifest.fusion.file, readArrays),
    readSelfTest: () => files.read(manifest.selfTest.file, (file) => readCoordinatorSelfTest(file, manifest)),
  };
}

async function readArrays(path: string): Promise<NamedArrays> {
  return withSafetensors(path, async (file) => {
    const arrays: NamedArrays = {};
    for (const name of file.names) {
      arrays[name] = { shape: file.info(name).shape, data: await file.readTyped(name) };
    }
    return arrays;
  });
}

/** Every file that a coordinator's manifest vouches for. */
export function coordinatorFiles({ fusion, selfTest }: CoordinatorManifest): ManifestFile[] {
  return [fusion.file, selfTest.file];
}
