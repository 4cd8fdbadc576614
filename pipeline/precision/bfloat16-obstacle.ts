import type { EngineName } from '../tensor/installed.ts';

/** What decides whether products can be computed in bfloat16: before an engine is loaded (`plannedFacts`), or of the one that is. */
export interface PrecisionFacts {
  readonly engine: EngineName;
  readonly device: 'cpu' | 'gpu';
  /** The engine runs recorded functions (`recorded.ts`): only in them are there bfloat16 tensors. */
  readonly functions: boolean;
  /** The processor's, as Linux spells them; empty where they cannot be read. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Obstacle {
  readonly found: string;
  /** Takes it away; absent where nothing on this machine does. */
  readonly remedy?: string;
}

/** oneDNN's names of what it may use, from AVX-512's bfloat16 on. */
const enough = /^(default|all|avx512_core_(bf16|fp16|amx)\w*|avx10\w*)$/i;

/**
 * Why products in bfloat16 are out of the question, or undefined: they can be tried. It is asked before anything is tried: oneDNN
 * held down to AVX2 on a processor that has more does not refuse a bfloat16 product, it ends the process.
 */
export function bfloat16Obstacle(facts: PrecisionFacts): Obstacle | undefined {
  const { engine, device, functions, flags, environment } = facts;
  if (engine !== 'tensorflow') return { found: `the engine ${engine} computes in float32 only` };
  if (environment.BLOCKFORGE_FUNCTIONS === 'off') {
    return { found: 'BLOCKFORGE_FUNCTIONS=off is set', remedy: 'unset BLOCKFORGE_FUNCTIONS' };
  }
  if (!functions) return { found: "TensorFlow's binding takes no functions", remedy: 'npm run setup' };
  if (device === 'gpu') return undefined;
  if (!flags.some((flag) => flag === 'avx512_bf16' || flag === 'amx_bf16')) {
    return { found: 'no bfloat16 instructions (avx512_bf16, amx_bf16) are known of this processor' };
  }
  if (/^(0|false)$/i.test(environment.TF_ENABLE_ONEDNN_OPTS ?? '')) {
    return {
      found: `TF_ENABLE_ONEDNN_OPTS=${environment.TF_ENABLE_ONEDNN_OPTS} switches off what computes in bfloat16`,
      remedy: 'unset TF_ENABLE_ONEDNN_OPTS',
    };
  }
  for (const name of ['ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA']) {
    const cap = environment[name];
    if (cap === undefined || cap === '' || enough.test(cap)) continue;
    return { found: `${name}=${cap} holds oneDNN below bfloat16`, remedy: `unset ${name}` };
  }
  return undefined;
}
