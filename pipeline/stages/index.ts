import type { Stage } from '../runner/contract.ts';
import type { EngineName } from '../tensor/engine.ts';
import { compose } from './compose.ts';
import { data } from './data.ts';
import { distill } from './distill.ts';
import { exportLibrary } from './export.ts';
import { measure } from './measure.ts';
import { order } from './order.ts';
import { polish } from './polish.ts';
import { profile } from './profile.ts';
import { rank } from './rank.ts';
import { refit } from './refit.ts';
import { report } from './report.ts';
import { statistics } from './statistics.ts';
import { teacher } from './teacher.ts';

/** The pipeline. Importing this loads no engine: stages import what computes when they run. */
export const stages: readonly Stage[] = [
  data,
  teacher,
  statistics,
  order,
  refit,
  distill,
  measure,
  compose,
  polish,
  profile,
  rank,
  exportLibrary,
  report,
];

/** Called once in every worker process. @returns what describes the engine and counts its tensors */
export async function prepareWorker(engine: EngineName): Promise<{ engine: string; tensors: () => number }> {
  const { loadEngine } = await import('../tensor/engine.ts');
  const tf = await import('@tensorflow/tfjs-core');
  const { description } = await loadEngine(engine);
  return { engine: description, tensors: () => tf.memory().numTensors };
}
