import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { blocksSchema, type BlocksInput } from '../../../pipeline/stages/blocks/schema.ts';

/** What would be planned for a config, without any file. */
export function planInput(config: object, architecture: Architecture): BlocksInput {
  return {
    loaded: {
      config: blocksSchema.parse({
        teacher: { checkpoint: '/models/teacher.safetensors' },
        data: { source: 'shapes' },
        ...config,
      }),
      name: 'test',
      file: 'test.yaml',
    },
    architecture,
    engine: 'wasm',
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
