import { failNotFinite } from '../../tensor/loss-log.ts';
import type { Tensors } from '../../tensor/optimizer.ts';
import { fuseAll } from '../fusion/fuse-all.ts';
import type { FusionHead } from '../fusion/fusion-head.ts';
import { crossEntropyOf, top1Of } from '../fusion/score.ts';
import { downloadLayers, isBetter } from '../fusion/train-head.ts';
import { averagingOf } from '../training/averaging.ts';
import type { EnsembleData } from './as-one-model.ts';
import { widthsOf } from './begin-run.ts';
import { hostPart, type EnsembleRun } from './ensemble-run.ts';
import type { EnsembleLook, EnsembleTask } from './ensemble-task.ts';
import { fleetFeatures } from './fleet-features.ts';

/**
 * Looks at the held-out images with the weights as they are, and with their running mean where there is one; notes what it finds
 * in the run, which remembers the best: by top-1, ties by cross-entropy, as for every fusion. Where the mean is to be
 * exported, only the start is held against it.
 */
export async function look(
  task: EnsembleTask,
  data: EnsembleData,
  run: EnsembleRun,
  seconds: number,
): Promise<void> {
  const trainingLoss = run.losses.steps === 0 ? null : run.losses.sum / run.losses.steps;
  run.losses = { sum: 0, steps: 0 };
  const candidates: [EnsembleLook['of'], readonly Tensors[]][] = [
    ['weights', run.parts.map(({ parameters }) => parameters)],
  ];
  const averages = run.parts.flatMap(({ average }) => (average ? [average] : []));
  if (averages.length > 0 && run.step > 0) candidates.push(['average', averages]);
  const isMeanAlone = averagingOf(task.settings)?.export === 'average';
  for (const [of, parts] of candidates) {
    const scores = await scoreHeldOut(task, data, run, parts);
    const found: EnsembleLook = { step: run.step, seconds, of, trainingLoss, ...scores };
    if (!Number.isFinite(found.crossEntropy)) {
      failEnsemble(task.name, `the held-out cross-entropy is ${found.crossEntropy}`, run.step);
    }
    run.history.push(found);
    if (isMeanAlone && of !== 'average' && run.step > 0) continue;
    if (run.best === undefined || isBetter(found, run.best.look)) {
      run.best = { look: found, parts: parts.map(hostPart) };
    }
  }
}

/** Ends a training in words. */
export function failEnsemble(name: string, found: string, step: number): never {
  const next = 'lower ensemble.learningRate or raise ensemble.warmupShare and run again';
  return failNotFinite(`training of the ensemble ${name}`, `${found} at step ${step}`, next);
}

async function scoreHeldOut(
  task: EnsembleTask,
  { heldOut, scale }: EnsembleData,
  { standardisation }: EnsembleRun,
  parts: readonly Tensors[],
): Promise<Pick<EnsembleLook, 'top1' | 'crossEntropy' | 'missed'>> {
  const { classes, width } = task.targets;
  const found = await fleetFeatures(task, heldOut, parts);
  const layers = downloadLayers(parts[task.submodels.length]!);
  const tokensAlone: FusionHead = {
    kind: 'tokens',
    classes: width,
    widths: widthsOf(task),
    ...standardisation,
    precision: new Float32Array(),
    activation: 'identity',
    layers: layers.slice(0, 1),
  };
  const logits = fuseAll({ ...tokensAlone, classes, layers }, found.features, found.images);
  const tokens = fuseAll(tokensAlone, found.features, found.images);
  const squares = tokens.reduce((sum, value, i) => sum + (value - found.teacherFeatures[i]!) ** 2, 0);
  return {
    top1: top1Of(logits, found.labels, classes),
    crossEntropy: crossEntropyOf(logits, found.labels, classes),
    missed: squares / tokens.length / scale.deviation ** 2,
  };
}
