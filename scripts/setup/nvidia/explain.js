import { cudaLibraries, libraryObstacle, openLibraries } from './libraries.js';
import { obstaclesOf } from './obstacles.js';
import { readLog } from './read-log.js';

/**
 * Why TensorFlow uses no GPU: what makes CUDA impossible here, then what TensorFlow said, then what else is suspicious.
 *
 * @param {object} of
 * @param {import('./look.js').Nvidia} of.nvidia
 * @param {string} of.log what TensorFlow wrote to standard error, started with `talkative`
 * @param {string} of.folder holds TensorFlow's libraries and NVIDIA's
 * @param {NodeJS.ProcessEnv} of.environment
 * @returns {Promise<Pick<import('./obstacles.js').Obstacle, 'why' | 'remedy'>>}
 */
export async function explainNoGpu({ nvidia, log, folder, environment }) {
  const [first] = obstaclesOf(nvidia);
  if (first?.weight === 'certain') return first;
  const told = readLog(log);
  if (told !== undefined) return told;
  const opened = await openLibraries(Object.keys(cudaLibraries), folder, environment);
  return (
    libraryObstacle(opened) ??
    first ?? {
      why: 'TensorFlow sees no GPU and does not say why',
      remedy: 'scripts/gpu-check prints a report for an issue',
    }
  );
}
