import { withSafetensors, type NamedArrays } from '../model/safetensors.ts';
import { fusionFromArrays } from '../submodels/fusion/fusion-arrays.ts';
import type { FusionHead } from '../submodels/fusion/fusion-head.ts';
import { requireFleet } from '../submodels/fusion/require-fleet.ts';
import type { ManifestFile } from '../library/manifest.ts';
import type { OpenOptions } from '../library/open.ts';
import { coordinatorKind, type CoordinatorManifest } from './coordinator-manifest.ts';
import { readCoordinatorSelfTest, type CoordinatorSelfTest } from './coordinator-self-test.ts';
import { openPackage, type OpenPackage } from './open-package.ts';

/** Who fuses what devices send, opened. */
export interface Coordinator extends OpenPackage<CoordinatorManifest> {
  /** It takes the features of the manifest's models in their order. @throws BlockForgeError `library-invalid`, `file-invalid` */
  readFusion(): Promise<FusionHead>;
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
    readFusion: () => files.read(manifest.fusion.file, (file) => readFusionFile(file, manifest)),
    readSelfTest: () => files.read(manifest.selfTest.file, (file) => readCoordinatorSelfTest(file, manifest)),
  };
}

/** Every file that a coordinator's manifest vouches for. */
export function coordinatorFiles({ fusion, selfTest }: CoordinatorManifest): ManifestFile[] {
  return [fusion.file, selfTest.file];
}

/** The fusion of these models. @throws BlockForgeError `library-invalid`, `file-invalid` */
export async function readFusionFile(
  path: string,
  { models, classes }: Pick<CoordinatorManifest, 'models' | 'classes'>,
): Promise<FusionHead> {
  const head = await withSafetensors(path, async (file) => {
    const tensors: NamedArrays = {};
    for (const name of file.names) {
      tensors[name] = { shape: file.info(name).shape, data: await file.readTyped(name) };
    }
    return fusionFromArrays({ tensors, metadata: file.metadata }, path);
  });
  requireFleet(head, { submodels: models, classes }, path);
  return head;
}
