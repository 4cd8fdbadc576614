import type * as tf from '@tensorflow/tfjs-core';
import { setImmediate } from 'node:timers/promises';
import type { TensorBatch } from '../../datasets/batches.ts';
import { scoreLogits, teacherReference, type TeacherReference } from '../../pipeline/measure/score-logits.ts';
import { mergeScores, type Scores } from '../../pipeline/measure/scores.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { enterEncoder, logitsFrom } from '../../pipeline/model/encoder.ts';
import { disposeFfn, teacherFfn, uploadFfn, type FfnTensors } from '../../pipeline/model/ffn-tensors.ts';
import type { TeacherTensors } from '../../pipeline/model/upload.ts';
import { fail } from '../../pipeline/util/failure.ts';

/** The evaluation images of a fold, as far as no FFN block has touched them, and the teacher's answers to them. */
export interface Evaluation {
  /** In the order of all scores. */
  readonly ids: readonly string[];
  readonly teacher: Scores;
  /** Uploads the blocks once, scores them on every image, disposes them. */
  score(name: string, blocks: readonly FfnWeights[]): Promise<Scores>;
  dispose(): void;
}

interface CachedBatch {
  /** The residual stream after the first attention [B, T, D]: the same in every model. */
  readonly attended: tf.Tensor;
  readonly labels: Int32Array;
  readonly reference: TeacherReference;
}

/**
 * Runs the teacher once. Keeps 4 T D bytes per image (151 kB for ViT-Tiny, 605 kB for ViT-B), which saves every other
 * model the decoding, the embedding and the first attention. Caller disposes. Needs two encoder layers or more.
 */
export async function openEvaluation(
  model: TeacherTensors,
  batches: AsyncIterable<TensorBatch>,
  onImages: (count: number) => void,
): Promise<Evaluation> {
  const { depth, classes } = model.architecture;
  const logitsOf = async (attended: tf.Tensor, ffn: (block: number) => FfnTensors): Promise<Float32Array> => {
    const logits = logitsFrom(model, 0, attended, ffn);
    const values = await logits.data<'float32'>();
    logits.dispose();
    return values;
  };

  const cached: CachedBatch[] = [];
  const ids: string[] = [];
  const teacherParts: Scores[] = [];
  for await (const { pixels, labels, ids: names } of batches) {
    const attended = enterEncoder(model, pixels);
    pixels.dispose();
    const logits = await logitsOf(attended, (block) => teacherFfn(model, block));
    const reference = teacherReference(logits, classes);
    cached.push({ attended, labels, reference });
    teacherParts.push(scoreLogits(logits, labels, reference));
    ids.push(...names);
    onImages(labels.length);
    await setImmediate();
  }
  return {
    ids,
    teacher: mergeScores(teacherParts),
    async score(name, blocks) {
      if (blocks.length !== depth) throw new RangeError(`${blocks.length} blocks for a depth of ${depth}`);
      const uploaded = blocks.map(uploadFfn);
      const parts: Scores[] = [];
      try {
        for (const { attended, labels, reference } of cached) {
          const logits = await logitsOf(attended, (block) => uploaded[block]!);
          parts.push(scoreLogits(logits, labels, reference));
          onImages(labels.length);
          await setImmediate();
        }
      } finally {
        uploaded.forEach(disposeFfn);
      }
      const scores = mergeScores(parts);
      const bad = scores.kl.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        fail({
          reason: 'not-finite',
          subject: `quality, ${name}`,
          found: `its output for image ${ids[bad]} is not finite`,
          expected: 'finite class scores',
          next: 'with --distill: fewer steps or a smaller learning rate; else please report it',
        });
      }
      return scores;
    },
    dispose: () => cached.forEach(({ attended }) => attended.dispose()),
  };
}
