import { setImmediate as nextTurn } from 'node:timers/promises';
import { featureMoments, type FeatureMoments } from './feature-moments.ts';
import { fuseAll } from './fuse-all.ts';
import type { FusionHead } from './fusion-head.ts';
import type { FusionCandidate, FusionData, FusionTask } from './fusion-task.ts';
import { precisionOf } from './ridge-fit.ts';
import { ridgeHeads, sideBySide } from './ridge-heads.ts';
import { requireFusable } from './require-fusable.ts';
import { bestSharpness, crossEntropyOf, top1Of } from './score.ts';
import { standardisationOf, standardisedRows, type Standardisation } from './standardised.ts';
import { centredLogits, labelsOf, oneHot } from './targets.ts';
import type { TowerExamples } from './tower-batches.ts';
import { trainTower } from './train-tower.ts';

export interface FusionResult {
  readonly head: FusionHead;
  /** Of plain JSON values. */
  readonly report: { readonly chosen: string; readonly candidates: readonly FusionCandidate[] };
}

/**
 * Makes the heads that the settings ask for and keeps the one with the best held-out top-1, ties by cross-entropy; the report
 * has the numbers of all of them, also with each sub-model absent. Leaves no tensor behind.
 * @throws `signal.reason` on abort; BlockForgeError `not-finite`
 */
export async function trainFusion(task: FusionTask): Promise<FusionResult> {
  const { widths, classes, fit, heldOut, settings, signal } = task;
  requireFusable(task);
  const startedAt = performance.now();
  const standardisation = standardisationOf(fit.features, widths, fit.images);
  const targets = targetsOf(fit, classes);
  const side = sideBySide([...targets.values()], classes);
  const moments = await featureMoments(fit, standardisation, widths, side, signal);
  const ridges = await ridgeHeads(task, standardisation, moments, [...targets.keys()]);
  const ridgeSeconds = (performance.now() - startedAt) / 1000;
  const made: { name: string; head: FusionHead; seconds: number }[] = [];
  if (settings.heads.includes('ridge')) {
    for (const { name, head } of ridges) made.push({ name, head, seconds: ridgeSeconds / ridges.length });
  }
  if (settings.heads.includes('tower')) {
    const towerAt = performance.now();
    // Imputes by the ridge that the best linear head on labels has.
    const head = await towerHead(task, standardisation, moments, ridges[0]?.ridge ?? 1e-2);
    made.push({ name: 'tower', head, seconds: (performance.now() - towerAt) / 1000 });
  }
  const labels = labelsOf(heldOut, classes);
  const candidates: FusionCandidate[] = [];
  for (const { name, head, seconds } of made) {
    const logits = fuseAll(head, heldOut.features, heldOut.images);
    const absentTop1: number[] = [];
    for (let absent = 0; absent < widths.length && widths.length > 1; absent++) {
      await nextTurn();
      signal.throwIfAborted();
      const present = heldOut.features.map((own, submodel) => (submodel === absent ? undefined : own));
      absentTop1.push(top1Of(fuseAll(head, present, heldOut.images), labels, classes));
    }
    candidates.push({
      name,
      kind: head.kind,
      top1: top1Of(logits, labels, classes),
      crossEntropy: crossEntropyOf(logits, labels, classes),
      absentTop1,
      seconds,
    });
  }
  const order = made.map((_, index) => index);
  const [best] = order.sort((a, b) => {
    const [one, other] = [candidates[a]!, candidates[b]!];
    return other.top1 - one.top1 || one.crossEntropy - other.crossEntropy;
  });
  const chosen = best === undefined ? undefined : made[best];
  if (chosen === undefined) throw new Error('a fusion without heads to choose from');
  return { head: chosen.head, report: { chosen: chosen.name, candidates } };
}

/** What linear heads are fitted to, by what it is called in their names. Labels come first. */
function targetsOf(fit: FusionData, classes: number): Map<string, Float64Array> {
  const targets = new Map([['labels', oneHot(labelsOf(fit, classes), classes)]]);
  if (fit.teacherLogits !== undefined)
    targets.set("the teacher's logits", centredLogits(fit.teacherLogits, classes));
  return targets;
}

async function towerHead(
  { widths, classes, fit, heldOut, settings, seed, signal, onProgress }: FusionTask,
  standardisation: Standardisation,
  moments: FeatureMoments,
  ridge: number,
): Promise<FusionHead> {
  const rows = ({ features, images }: FusionData): Float32Array =>
    Float32Array.from(standardisedRows(standardisation, features, widths, [0, images]).data);
  const { tower } = settings;
  const labels = labelsOf(heldOut, classes);
  const precision = precisionOf(moments, ridge);
  const examples: TowerExamples = {
    images: fit.images,
    x: rows(fit),
    labels: labelsOf(fit, classes),
    teacher: fit.teacherLogits && softened(fit.teacherLogits, classes, tower.temperature),
    widths,
    classes,
  };
  const held = { images: heldOut.images, x: rows(heldOut), labels };
  const { layers } = await trainTower({
    fit: examples,
    heldOut: held,
    precision,
    settings: tower,
    seed,
    signal,
    onProgress,
  });
  const { activation } = tower;
  const head: FusionHead = {
    kind: 'tower',
    classes,
    widths,
    ...standardisation,
    precision,
    layers,
    activation,
  };
  const sharpness = bestSharpness(fuseAll(head, heldOut.features, heldOut.images), labels, classes);
  return {
    ...head,
    layers: layers.map((layer, index) =>
      index < layers.length - 1
        ? layer
        : {
            ...layer,
            kernel: layer.kernel.map((v) => v * sharpness),
            bias: layer.bias.map((v) => v * sharpness),
          },
    ),
  };
}

/** Probabilities [N, K] of `softmax(logits / temperature)`. */
function softened(logits: Float32Array, classes: number, temperature: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    let total = 0;
    for (const value of row) total += Math.exp((value - largest) / temperature);
    for (let c = 0; c < classes; c++) result[start + c] = Math.exp((row[c]! - largest) / temperature) / total;
  }
  return result;
}
