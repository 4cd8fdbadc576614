import type { EngineChoice } from '../tensor/engine.ts';

/** What --engine takes. */
export const engines = ['auto', 'tensorflow', 'wasm'] as const satisfies readonly EngineChoice[];
