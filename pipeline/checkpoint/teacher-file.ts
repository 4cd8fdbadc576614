import type { Preprocessing } from '../../datasets/contract.ts';
import { canonicalJson } from '../util/hash.ts';
import { joined } from '../util/joined.ts';
import type { Architecture } from '../model/architecture.ts';
import type { Place } from './assemble.ts';
import type { Inspection } from './inspect.ts';
import { canonicalShapes, transposed, type HostWeights } from '../model/host-weights.ts';
import { requireFinite } from '../model/untrusted-file.ts';
import { withoutLeadingOnes } from './stems.ts';
import { openSafetensors, writeSafetensors, type SafetensorsFile } from '../model/safetensors.ts';

/**
 * All weights of an inspected checkpoint by canonical name, as float32, with q, k and v fused and LayerScale folded in.
 * @throws BlockForgeError `file-invalid`, also where a weight is not finite: tensor and index are named
 */
export async function readTeacher(inspection: Inspection): Promise<HostWeights> {
  const open = new Map<string, SafetensorsFile>();
  try {
    const read = async ({ file, name, rows }: Place): Promise<Float32Array> => {
      let opened = open.get(file);
      if (opened === undefined) open.set(file, (opened = await openSafetensors(file)));
      const values = requireFinite(await opened.read(name), file, name);
      if (rows === undefined) return values;
      const columns = values.length / withoutLeadingOnes(opened.info(name).shape)[0]!;
      return values.slice(rows[0] * columns, rows[1] * columns);
    };
    const weights: HostWeights = {};
    for (const [canonical, shape] of Object.entries(canonicalShapes(inspection.architecture))) {
      const { parts, scale, plus, isPatchFlat, isTransposed } = inspection.tensors[canonical]!;
      const arrays: Float32Array[] = [];
      for (const part of parts) {
        if ('values' in part) arrays.push(part.values());
        else arrays.push('zeros' in part ? new Float32Array(part.zeros) : await read(part));
      }
      const stored = arrays.length === 1 ? arrays[0]! : joined(arrays);
      const data =
        isPatchFlat === true
          ? channelsFirst(stored, shape)
          : isTransposed === true
            ? transposed(stored, shape[1]!, shape[0]!)
            : stored;
      if (scale !== undefined) {
        scaleRows(data, await read(scale));
        requireFinite(data, scale.file, `${canonical} times ${scale.name}`);
      }
      if (plus !== undefined) {
        const other = await read(plus);
        for (let i = 0; i < data.length; i++) data[i]! += other[i]!;
        requireFinite(data, plus.file, `${canonical} and ${plus.name}`);
      }
      weights[canonical] = { shape, data };
    }
    return weights;
  } finally {
    for (const file of open.values()) await file.close();
  }
}

/** [D, p p C] by row, column, channel -> [D, C, p, p]. */
function channelsFirst(data: Float32Array, shape: readonly number[]): Float32Array {
  const [width, channels, patch] = shape as [number, number, number];
  const pixels = patch ** 2;
  const result = new Float32Array(data.length);
  for (let row = 0; row < width; row++) {
    const start = row * pixels * channels;
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let channel = 0; channel < channels; channel++)
        result[start + channel * pixels + pixel] = data[start + pixel * channels + channel]!;
    }
  }
  return result;
}

/** Row i times `scale[i]`: the product of two float32 is exact in float64 and rounded once. */
function scaleRows(data: Float32Array, scale: Float32Array): void {
  const columns = data.length / scale.length;
  for (let i = 0; i < data.length; i++) data[i]! *= scale[Math.floor(i / columns)]!;
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
