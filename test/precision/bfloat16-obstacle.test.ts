import assert from 'node:assert/strict';
import { bfloat16Obstacle, type PrecisionFacts } from '../../pipeline/precision/bfloat16-obstacle.ts';
import { able } from './able.ts';

const environment = (variables: Record<string, string>) => ({ environment: variables });
const table: readonly (readonly [Partial<PrecisionFacts>, found: RegExp | undefined, remedy?: string])[] = [
  [{}, undefined],
  [{ flags: ['amx_bf16'] }, undefined],
  [{ flags: ['avx2', 'avx512f'] }, /^no bfloat16 instructions \(avx512_bf16, amx_bf16\)/],
  [{ flags: [] }, /^no bfloat16 instructions/],
  // A GPU computes: its processor and oneDNN do not matter.
  [{ device: 'gpu', flags: [], ...environment({ ONEDNN_MAX_CPU_ISA: 'AVX2' }) }, undefined],
  [{ engine: 'wasm' }, /^the engine wasm computes in float32 only$/],
  [{ engine: 'webgpu', device: 'gpu' }, /^the engine webgpu computes in float32 only$/],
  [{ functions: false }, /takes no functions$/, 'npm run setup'],
  [{ functions: false, device: 'gpu' }, /takes no functions$/, 'npm run setup'],
  [environment({ BLOCKFORGE_FUNCTIONS: 'off' }), /^BLOCKFORGE_FUNCTIONS=off/, 'unset BLOCKFORGE_FUNCTIONS'],
  [environment({ BLOCKFORGE_FUNCTIONS: '' }), undefined],
  [environment({ TF_ENABLE_ONEDNN_OPTS: '0' }), /^TF_ENABLE_ONEDNN_OPTS=0/, 'unset TF_ENABLE_ONEDNN_OPTS'],
  [environment({ TF_ENABLE_ONEDNN_OPTS: 'False' }), /=False/, 'unset TF_ENABLE_ONEDNN_OPTS'],
  [environment({ TF_ENABLE_ONEDNN_OPTS: '1' }), undefined],
  ...['SSE41', 'AVX', 'AVX2', 'AVX2_VNNI_2', 'AVX512_CORE', 'avx512_core_vnni', 'nonsense'].map(
    (cap) =>
      [
        environment({ ONEDNN_MAX_CPU_ISA: cap }),
        new RegExp(`^ONEDNN_MAX_CPU_ISA=${cap} holds oneDNN below bfloat16$`),
        'unset ONEDNN_MAX_CPU_ISA',
      ] as const,
  ),
  ...['', 'DEFAULT', 'all', 'AVX512_CORE_BF16', 'AVX512_CORE_FP16', 'AVX512_CORE_AMX', 'AVX10_1_512_AMX'].map(
    (cap) => [environment({ ONEDNN_MAX_CPU_ISA: cap }), undefined] as const,
  ),
  [environment({ DNNL_MAX_CPU_ISA: 'AVX2' }), /^DNNL_MAX_CPU_ISA=AVX2/, 'unset DNNL_MAX_CPU_ISA'],
];

describe('what stands in the way of bfloat16', () => {
  for (const [changes, found, remedy] of table) {
    it(`${JSON.stringify(changes)}: ${found?.source ?? 'nothing'}`, () => {
      const obstacle = bfloat16Obstacle({ ...able, ...changes });
      if (found === undefined) assert.equal(obstacle, undefined);
      else assert.match(obstacle?.found ?? '', found);
      assert.equal(obstacle?.remedy, remedy);
    });
  }
});
