import type { PrecisionFacts } from '../../pipeline/precision/bfloat16-obstacle.ts';

/** Of a machine that has everything. */
export const able: PrecisionFacts = {
  engine: 'tensorflow',
  device: 'cpu',
  functions: true,
  flags: ['sse2', 'avx2', 'avx512f', 'avx512_bf16'],
  environment: {},
};
