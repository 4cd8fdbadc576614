import type { Preprocessing } from '../../datasets/contract.ts';
import { canonicalJson } from '../util/hash.ts';
import { joined } from '../util/joined.ts';
import type { Architecture } from '../model/architecture.ts';
import type { Inspection } from './inspect.ts';
import { canonicalShapes, type HostWeights } from '../model/host-weights.ts';
import { openSafetensors, writeSafetensors, type SafetensorsFile } from '../model/safetensors.ts';

/** All weights of an inspected checkpoint by canonical name, as float32, with q, k and v fused. */
export async function readTeacher(inspection: Inspection): Promise<HostWeights> {
  const open = new Map<string, SafetensorsFile>();
  try {
    const weights: HostWeights = {};
    for (const [canonical, shape] of Object.entries(canonicalShapes(inspection.architecture))) {
      const parts: Float32Array[] = [];
      for (const { file, name } of inspection.tensors[canonical]!) {
        let opened = open.get(file);
        if (opened === undefined) open.set(file, (opened = await openSafetensors(file)));
        parts.push(await opened.read(name));
      }
      weights[canonical] = { shape, data: parts.length === 1 ? parts[0]! : joined(parts) };
    }
    return weights;
  } finally {
    for (const file of open.values()) await file.close();
  }
}

/** A canonical file that tells its architecture and preprocessing: `inspectCheckpoint` needs no hints for it. */
export async function writeTeacher(
  path: string,
  weights: HostWeights,
  architecture: Architecture,
  preprocessing?: Preprocessing,
): Promise<void> {
  await writeSafetensors(path, weights, {
    format: 'blockforge-teacher',
    architecture: canonicalJson({ ...architecture }),
    ...(preprocessing && { preprocessing: canonicalJson({ ...preprocessing }) }),
  });
}
