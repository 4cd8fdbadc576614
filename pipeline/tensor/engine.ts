/**
 * Compute engines: one numerics code base on the TensorFlow.js API, the engine is a setting (DESIGN section 3).
 * This file is the contract; `loadEngine` is the only place that imports an engine.
 */
export type EngineName = 'tensorflow' | 'wasm';
export type EngineChoice = 'auto' | EngineName;

export interface Engine {
  readonly name: EngineName;
  /** Version of the compute library, e.g. "TensorFlow 2.21.0" or "tfjs-backend-wasm 4.22.0". */
  readonly version: string;
  readonly device: 'cpu' | 'gpu';
  /** Threads one process uses for one operation. */
  readonly threads: number;
  /** One line for people: "TensorFlow 2.21.0 on 2 CPU threads". */
  readonly description: string;
}
