import type { Stage } from '../runner/contract.ts';
import type { EngineName } from '../tensor/engine.ts';
import { compose } from './blocks/work/compositions.ts';
import { data } from './blocks/work/data.ts';
import { distill } from './blocks/work/distill.ts';
import { exportLibrary } from './blocks/work/export.ts';
import { measure } from './blocks/work/measure.ts';
import { order } from './blocks/work/order.ts';
import { polish } from './blocks/work/polish.ts';
import { profile } from './blocks/work/profile.ts';
import { rank } from './blocks/work/rank.ts';
import { refit } from './blocks/work/refit.ts';
import { report } from './blocks/work/report.ts';
import { statistics } from './blocks/work/statistics.ts';
import { teacher } from './blocks/work/teacher.ts';

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
