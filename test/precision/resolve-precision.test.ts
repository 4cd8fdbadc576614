import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processorFlags } from '../../pipeline/precision/planned-facts.ts';
import { precisionEnvironment, resolvePrecision } from '../../pipeline/precision/resolve-precision.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { able } from './able.ts';

const unable = { ...able, flags: ['avx2'] };
const capped = { ...able, environment: { ONEDNN_MAX_CPU_ISA: 'AVX2' } };

describe('the setting precision', () => {
  for (const [choice, facts, steps, note] of [
    ['auto', able, 'measured', /in bfloat16 where that is clearly faster here and .* above 0\.005, else/],
    ['auto', unable, 'float32', /in float32: no bfloat16 instructions/],
    ['auto', capped, 'float32', /in float32: ONEDNN_MAX_CPU_ISA=AVX2/],
    ['float32', able, 'float32', /in float32, as asked for$/],
    ['float32', unable, 'float32', /in float32, as asked for$/],
    ['bfloat16', able, 'bfloat16', /in bfloat16, as asked for$/],
  ] as const) {
    it(`${choice} is ${steps} with ${facts.flags.at(-1)} and ${JSON.stringify(facts.environment)}`, () => {
      const resolved = resolvePrecision(choice, facts, 'run.yaml: precision');
      assert.equal(resolved.steps, steps);
      assert.match(resolved.note, note);
    });
  }

  it('refuses bfloat16 where it cannot be, saying why and what to do', () => {
    const refusal = (facts: typeof able) => {
      try {
        resolvePrecision('bfloat16', facts, 'run.yaml: precision');
      } catch (error) {
        return (error as BlockForgeError).failure;
      }
      return assert.fail('nothing was refused');
    };
    assert.deepEqual(refusal(unable), {
      reason: 'config-invalid',
      subject: 'run.yaml: precision',
      found: 'bfloat16, but no bfloat16 instructions (avx512_bf16, amx_bf16) are known of this processor',
      expected: 'auto or float32 on this machine',
      next: '--set precision=auto, which takes bfloat16 where it can',
    });
    assert.equal(
      refusal(capped).next,
      'unset ONEDNN_MAX_CPU_ISA, or --set precision=auto, which takes bfloat16 where it can',
    );
  });

  it('switches TF32 off for float32, and leaves it alone otherwise', () => {
    assert.deepEqual(precisionEnvironment('float32'), { NVIDIA_TF32_OVERRIDE: '0' });
    assert.deepEqual([precisionEnvironment('auto'), precisionEnvironment('bfloat16')], [{}, {}]);
  });
});

describe('the processor’s flags', () => {
  it('are those of the first processor in /proc/cpuinfo; none where there is no such file or line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-cpuinfo-'));
    try {
      const file = join(folder, 'cpuinfo');
      const processor = (flags: string) =>
        `processor\t: 0\nmodel name\t: X\nflags\t\t: ${flags}\nbugs\t\t: x\n\n`;
      writeFileSync(file, processor('fpu avx512f avx512_bf16 amx_bf16') + processor('fpu'));
      assert.deepEqual(processorFlags(file), ['fpu', 'avx512f', 'avx512_bf16', 'amx_bf16']);
      writeFileSync(file, 'processor\t: 0\nFeatures\t: fp asimd bf16\n');
      assert.deepEqual(processorFlags(file), []);
      assert.deepEqual(processorFlags(join(folder, 'nothing')), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
