import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../command.js';
import { talkative } from './read-log.js';

/**
 * Loads TensorFlow in a process of its own and computes a little on it.
 *
 * @param {string} toolFolder scripts/tensorflow
 * @param {NodeJS.ProcessEnv} environment
 * @param {boolean} [onGpu] lets it tell about GPUs, and gives it the time that a driver may need to compile kernels
 * @returns {Promise<{ outcome: import('../command.js').Outcome, found: { version: string, gpu: boolean } | undefined }>}
 */
export async function tryEngine(toolFolder, environment, onGpu = false) {
  const script = fileURLToPath(new URL('../probe.cjs', import.meta.url));
  const outcome = await run(process.execPath, [script, toolFolder], {
    cwd: dirname(toolFolder),
    env: onGpu ? { ...environment, ...talkative } : environment,
    timeoutMs: (onGpu ? 20 : 5) * 60_000,
  });
  return {
    outcome,
    found: outcome.ok ? JSON.parse(outcome.stdout.trim().split('\n').at(-1) ?? '') : undefined,
  };
}
