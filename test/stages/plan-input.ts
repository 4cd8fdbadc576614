import { able } from '../precision/able.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { resolvePrecision } from '../../pipeline/precision/resolve-precision.ts';
import type { z } from 'zod';
import type { Config } from '../../pipeline/config/schema.ts';
import type { PlanInput } from '../../pipeline/stages/common/plan-input.ts';

/** What would be planned for a config of a method, without any file. */
export function planInputOf<C extends Config>(
  schema: z.ZodType<C>,
  config: object,
  architecture: Architecture,
): PlanInput<C> {
  const parsed = schema.parse({
    teacher: { checkpoint: '/models/teacher.safetensors' },
    data: { source: 'shapes' },
    ...config,
  });
  return {
    loaded: {
      config: parsed,
      name: 'test',
      file: 'test.yaml',
    },
    architecture,
    engine: 'wasm',
    // As on a machine that has everything: what a setting can change, it does.
    precision: resolvePrecision(parsed.precision, able, 'precision'),
    inputs: {
      checkpointFiles: ['/models/teacher.safetensors'],
      dataFiles: [],
      dataListing: null,
      preprocessing: {
        resize: null,
        resizeMode: 'shortest',
        interpolation: 'bicubic',
        crop: architecture.imageSize,
        channels: 3,
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
      classes: {
        folders: ['a', 'b'],
        names: ['A', 'B'],
        subset: null,
        by: 'labels',
        rule: 'by name',
        notes: [],
      },
    },
  };
}
