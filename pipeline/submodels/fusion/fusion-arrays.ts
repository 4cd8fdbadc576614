import { z } from 'zod';
import type { NamedArray, NamedArrays } from '../../model/safetensors.ts';
import { requireFinite } from '../../model/untrusted-file.ts';
import { fail } from '../../util/failure.ts';
import {
  activationNames,
  fusionKinds,
  fusionWidth,
  type FusionHead,
  type FusionLayer,
} from './fusion-head.ts';

export interface FusionArrays {
  readonly tensors: NamedArrays;
  /** For the header of safetensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

const facts = z.strictObject({
  /** The first knew neither names nor the kind `tokens`, and is otherwise the same. */
  format: z.enum(['blockforge-fusion-1', 'blockforge-fusion-2']),
  kind: z.enum(fusionKinds),
  activation: z.enum(activationNames),
  classes: z.coerce.number().int().min(1).max(1e6),
  layers: z.coerce.number().int().min(1).max(16),
  widths: z
    .string()
    .regex(/^\d{1,6}(,\d{1,6}){0,999}$/, 'expected numbers separated by commas')
    .transform((text) => text.split(',').map(Number))
    .refine((widths) => widths.every((width) => width >= 1), 'expected positive widths'),
  submodels: z
    .string()
    .regex(/^\w[\w.-]{0,99}(,\w[\w.-]{0,99}){0,999}$/, 'expected names separated by commas')
    .transform((text) => text.split(','))
    .optional(),
});

export function fusionToArrays(head: FusionHead): FusionArrays {
  const { kind, activation, classes, submodels, widths, mean, scale, precision, layers } = head;
  const width = fusionWidth(head);
  const tensors: NamedArrays = {
    mean: { shape: [width], data: mean },
    scale: { shape: [width], data: scale },
    precision: { shape: [width, width], data: precision },
  };
  for (const [index, { inputs, outputs, kernel, bias }] of layers.entries()) {
    tensors[`layers.${index}.kernel`] = { shape: [inputs, outputs], data: kernel };
    tensors[`layers.${index}.bias`] = { shape: [outputs], data: bias };
  }
  return {
    tensors,
    metadata: {
      format: 'blockforge-fusion-2',
      kind,
      activation,
      classes: String(classes),
      layers: String(layers.length),
      widths: widths.join(),
      ...(submodels && { submodels: submodels.join() }),
    },
  };
}

/**
 * The head that `fusionToArrays` was given, bit for bit. Trusts nothing of them.
 * @param path for messages
 * @throws BlockForgeError `file-invalid`
 */
export function fusionFromArrays({ tensors, metadata }: FusionArrays, path: string): FusionHead {
  const parsed = facts.safeParse(metadata);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(
      `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}`,
      'the header of a fusion head',
    );
  }
  const { kind, activation, classes, submodels, widths, layers: count } = parsed.data;
  if (submodels !== undefined && submodels.length !== widths.length) {
    return refuse(`${submodels.length} names of sub-models`, `${widths.length}, one for each width`);
  }
  const width = fusionWidth({ widths });
  const read = (name: string, shape: readonly number[]): Float32Array => {
    const tensor: NamedArray | undefined = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (tensor === undefined) return refuse(`no tensor ${name}`);
    const { data } = tensor;
    if (!(data instanceof Float32Array)) return refuse(`tensor ${name} is not float32`);
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (tensor.shape.join() !== shape.join() || data.length !== size) {
      return refuse(`tensor ${name} is [${tensor.shape.join(', ')}]`, `[${shape.join(', ')}]`);
    }
    return requireFinite(data, path, name);
  };
  const layers: FusionLayer[] = [];
  for (let index = 0; index < count; index++) {
    const inputs = layers.at(-1)?.outputs ?? width;
    const outputs = index === count - 1 ? classes : biasLength(tensors[`layers.${index}.bias`]);
    const kernel = read(`layers.${index}.kernel`, [inputs, outputs]);
    layers.push({ inputs, outputs, kernel, bias: read(`layers.${index}.bias`, [outputs]) });
  }
  const mean = read('mean', [width]);
  const scale = read('scale', [width]);
  const precision = read('precision', [width, width]);
  for (let i = 0; i < width; i++) {
    if (!(precision[i * width + i]! > 0)) refuse(`the precision of feature ${i} is not positive`);
  }
  const known = new Set(['mean', 'scale', 'precision', ...layers.flatMap((_, i) => partsOf(i))]);
  const other = Object.keys(tensors).find((name) => !known.has(name));
  if (other !== undefined) refuse(`a tensor ${JSON.stringify(other.slice(0, 80))} that no head has`);
  return {
    kind,
    activation,
    classes,
    ...(submodels && { submodels }),
    widths,
    mean,
    scale,
    precision,
    layers,
  };

  function refuse(found: string, expected?: string): never {
    return fail({
      reason: 'file-invalid',
      subject: path,
      found,
      expected,
      next: 'copy the file again, or make it again',
    });
  }
}

function partsOf(index: number): string[] {
  return [`layers.${index}.kernel`, `layers.${index}.bias`];
}

/** Hidden sizes are the file's to choose; `read` holds kernel and bias against them. */
function biasLength(bias: NamedArray | undefined): number {
  return bias?.data.length ?? 0;
}
