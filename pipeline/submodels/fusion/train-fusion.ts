import { setImmediate as nextTurn } from 'node:timers/promises';
import { featureMoments, momentsWith } from './feature-moments.ts';
import { fuseAll } from './fuse-all.ts';
import type { FusionHead } from './fusion-head.ts';
import type { FusionCandidate, FusionData, FusionTask } from './fusion-task.ts';
import { requireFusable } from './require-fusable.ts';
import { ridgeHeads, sideBySide } from './ridge-heads.ts';
import { crossEntropyOf, top1Of } from './score.ts';
import { standardisationOf } from './standardised.ts';
import { centredLogits, labelsOf, oneHot } from './targets.ts';
import { tokenHeads, tokenNeeds } from './token-heads.ts';
import { towerHead } from './tower-head.ts';

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
  const { widths, classes, fit, heldOut, settings, signal, submodels } = task;
  requireFusable(task);
  const startedAt = performance.now();
  const needs = settings.heads.includes('tokens') ? tokenNeeds(task) : undefined;
  const standardisation = standardisationOf(fit.features, widths, fit.images);
  const targets = targetsOf(fit, classes);
  const tokens = needs && Float64Array.from(needs.fit.teacherFeatures);
  const side = sideBySide([...targets.values(), ...(tokens ? [tokens] : [])], fit.images);
  const moments = await featureMoments(fit, standardisation, widths, side, signal);
  const ridges = await ridgeHeads(task, standardisation, moments, [...targets.keys()]);
  const ridgeSeconds = (performance.now() - startedAt) / 1000;
  const made: { name: string; head: FusionHead; seconds: number }[] = [];
  for (const { name, head } of task.given ?? []) made.push({ name, head, seconds: 0 });
  if (settings.heads.includes('ridge')) {
    for (const { name, head } of ridges) made.push({ name, head, seconds: ridgeSeconds / ridges.length });
  }
  if (settings.heads.includes('tower')) {
    const towerAt = performance.now();
    // Imputes by the ridge that the best linear head on labels has.
    const head = await towerHead(task, standardisation, moments, ridges[0]?.ridge ?? 1e-2);
    made.push({ name: 'tower', head, seconds: (performance.now() - towerAt) / 1000 });
  }
  if (needs !== undefined) {
    const own = momentsWith(moments, targets.size * classes, needs.teacherHead.inputs);
    made.push(...(await tokenHeads(task, needs, standardisation, own)));
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
  // Whose features stand where is known to whoever brought them.
  const head = submodels === undefined ? chosen.head : { ...chosen.head, submodels };
  return { head, report: { chosen: chosen.name, candidates } };
}

/** What linear heads are fitted to, by what it is called in their names. Labels come first. */
function targetsOf(fit: FusionData, classes: number): Map<string, Float64Array> {
  const targets = new Map([['labels', oneHot(labelsOf(fit, classes), classes)]]);
  if (fit.teacherLogits !== undefined)
    targets.set("the teacher's logits", centredLogits(fit.teacherLogits, classes));
  return targets;
}
