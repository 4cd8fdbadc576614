import type { PreparedWorker } from '../../runner/contract.ts';
import type { EngineName } from '../../tensor/engine.ts';

/** Called once in every worker process, before its first job that needs an engine: only then one is imported. */
export async function prepareWorker(engine: EngineName): Promise<PreparedWorker> {
  const { loadEngine } = await import('../../tensor/engine.ts');
  const tf = await import('@tensorflow/tfjs-core');
  const { description } = await loadEngine(engine);
  return { engine: description, tensors: () => tf.memory().numTensors };
}
