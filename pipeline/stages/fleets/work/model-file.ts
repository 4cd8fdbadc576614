import type { Architecture } from '../../../model/architecture.ts';
import type { HostWeights } from '../../../model/host-weights.ts';
import { readTensors, writeSafetensors } from '../../../model/safetensors.ts';
import { canonicalJson } from '../../../util/hash.ts';

/** A model of the run: its weights, and the architecture that they are of in the file's metadata. */
export interface RunModel {
  readonly architecture: Architecture;
  readonly weights: HostWeights;
}

export async function writeModel(path: string, { architecture, weights }: RunModel): Promise<void> {
  await writeSafetensors(path, weights, { architecture: canonicalJson({ ...architecture }) });
}

/** The way back. The file is the run's own: its digest was compared before the job began. */
export async function readModel(path: string): Promise<RunModel> {
  const { metadata, tensors } = await readTensors(path);
  return { architecture: JSON.parse(metadata['architecture']!) as Architecture, weights: tensors };
}
