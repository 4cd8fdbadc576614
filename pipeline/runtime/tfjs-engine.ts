import type { Library } from '../library/open.ts';
import { loadEngine, type EngineChoice } from '../tensor/engine.ts';
import type { RuntimeEngine } from './engine.ts';
import { tfjsModel } from './tfjs-model.ts';

/**
 * TensorFlow.js on the fastest engine of this installation (or the one asked for).
 * @throws BlockForgeError `engine-unavailable`, `library-invalid`, `file-invalid`
 */
export async function openTfjsEngine(
  library: Library,
  choice: EngineChoice = 'auto',
): Promise<RuntimeEngine> {
  const { description } = await loadEngine(choice);
  return tfjsModel(await library.readFrame(), library.manifest.teacher.architecture, description);
}
