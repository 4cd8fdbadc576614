import { explainNoGpu } from '../../../scripts/setup/nvidia/explain.js';
import { libraryObstacle, openLibraries } from '../../../scripts/setup/nvidia/libraries.js';
import type { Nvidia } from '../../../scripts/setup/nvidia/look.js';
import { obstaclesOf, type Obstacle } from '../../../scripts/setup/nvidia/obstacles.js';
import { tryEngine } from '../../../scripts/setup/nvidia/try-engine.js';
import { tensorflowFolder, type InstalledEngines } from '../../tensor/installed.ts';

/**
 * Why TensorFlow does not compute on this machine's NVIDIA GPU. Where its CUDA variant is installed and does not use it, it is loaded once more, in a
 * process of its own and told to talk.
 */
export async function findObstacle(
  nvidia: Nvidia,
  tensorflow: InstalledEngines['tensorflow'],
): Promise<Pick<Obstacle, 'why' | 'remedy'> | undefined> {
  const [first] = obstaclesOf(nvidia);
  const heavy = first !== undefined && first.weight !== 'possible' ? first : undefined;
  if (nvidia.state !== 'found' || heavy?.weight === 'certain') return heavy;
  if (tensorflow?.variant !== 'cuda') {
    const opened = await openLibraries(['libcuda.so.1'], undefined, process.env);
    return heavy ?? libraryObstacle(opened);
  }
  const { outcome } = await tryEngine(tensorflowFolder, process.env, true);
  return explainNoGpu({ nvidia, log: outcome.stderr, folder: tensorflow.folder, environment: process.env });
}
