import { setImmediate } from 'node:timers/promises';
import type { TensorBatch } from '../../datasets/batches.ts';
import type { SplitItem } from '../../datasets/contract.ts';
import { createActiveRate, createSaliency } from '../../pipeline/compress/unit-means.ts';
import type { BlockEvidence, RecipeContext } from '../../pipeline/recipe/recipe.ts';
import { createStatistics } from '../../pipeline/compress/statistics.ts';
import type { TokenReader } from '../../pipeline/distill/token-batches.ts';
import { visitBlocks } from '../../pipeline/compress/visit.ts';
import { sampleLabels, visitGradients } from '../../pipeline/compress/visit-gradients.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { teacherFfn, type VisionTransformer } from '../../pipeline/model/vit.ts';
import { sampledRows } from '../../pipeline/stages/blocks/work/calibration.ts';
import { joined } from '../../pipeline/util/joined.ts';
import { random } from '../../pipeline/util/random.ts';
import type { QualityData } from './data.ts';

export interface EvidenceNeeds {
  /** A second pass forth and back. */
  readonly saliency: boolean;
  /** Block inputs in memory: 4 D bytes per sampled token and block. */
  readonly tokens: boolean;
  /** Keep images out of the statistics to judge distillation on: for all recipes of a call, or they would not compare. */
  readonly heldOut: boolean;
}

/** Everything the recipes may know of a fold, from one pass (two with saliency) over its calibration images. */
export interface FoldEvidence {
  readonly context: RecipeContext;
  /** Per block, for distillation; empty where not asked for. */
  readonly tokens: readonly TokenReader[];
  /** Per block: inputs [N, D] of images that are in neither statistics nor `tokens`. */
  readonly heldOut: readonly Float32Array[];
}

export async function collectEvidence(
  { loaded: { config }, architecture, teacher, images }: QualityData,
  model: VisionTransformer,
  items: readonly SplitItem[],
  needs: EvidenceNeeds,
  onImages: (count: number) => void,
): Promise<FoldEvidence> {
  const { depth, hidden, width } = architecture;
  const { seed, statistics: settings } = config;
  const blocks = Array.from({ length: depth }, (_, block) => block);
  const sampled = (ids: readonly string[]) => sampledRows(config, architecture, ids);
  const heldOutCount = needs.heldOut ? Math.max(1, Math.round(items.length * settings.heldOut)) : 0;
  const training = items.slice(heldOutCount);
  const calibration = () => images.tensorBatches(training, settings.batchSize);
  const pass = async (
    batches: AsyncIterable<TensorBatch>,
    visit: (batch: TensorBatch, rows: Int32Array) => void,
    weight: number,
  ): Promise<void> => {
    for await (const batch of batches) {
      visit(batch, sampled(batch.ids));
      batch.pixels.dispose();
      onImages(weight * batch.ids.length);
      await setImmediate();
    }
  };

  const statistics = blocks.map(() => createStatistics(hidden));
  const activeRates = blocks.map(() => createActiveRate(hidden));
  const saliencies = blocks.map(() => createSaliency(hidden));
  const inputs = blocks.map((): Float32Array[] => []);
  const heldOutInputs = blocks.map((): Float32Array[] => []);
  await pass(
    calibration(),
    ({ pixels }, rows) =>
      visitBlocks(model, pixels, rows, (block, tokens) => {
        statistics[block].add(tokens.hidden);
        activeRates[block].add(tokens.hidden);
        if (needs.tokens) inputs[block].push(tokens.input.dataSync<'float32'>().slice());
      }),
    1.4,
  );
  await pass(
    images.tensorBatches(items.slice(0, heldOutCount), settings.batchSize),
    ({ pixels }, rows) =>
      visitBlocks(model, pixels, rows, (block, { input }) =>
        heldOutInputs[block].push(input.dataSync<'float32'>().slice()),
      ),
    1,
  );
  if (needs.saliency) {
    await pass(
      calibration(),
      ({ pixels, ids }, rows) =>
        visitGradients(
          model,
          pixels,
          rows,
          (logits, classes) => sampleLabels(logits, classes, (image) => random(seed, 'label', ids[image])),
          (block, { hidden: h, outputGradient }) =>
            saliencies[block].add(h, outputGradient, teacherFfn(model, block).fc2Kernel),
        ),
      4,
    );
  }
  const evidence = blocks.map((block): BlockEvidence => ({
    weights: hostFfn(teacher, block),
    statistics: statistics[block].finish(),
    activeRate: activeRates[block].finish(),
    ...(needs.saliency && { saliency: saliencies[block].finish() }),
  }));
  statistics.forEach((accumulator) => accumulator.dispose());
  return {
    context: {
      blocks: evidence,
      model,
      calibration,
      heldOut: () => images.tensorBatches(items.slice(0, heldOutCount), settings.batchSize),
      labelRandom: (id) => random(seed, 'label', id),
      sampledRows: sampled,
    },
    tokens: needs.tokens ? inputs.map((parts) => readerOf(joined(parts), width)) : [],
    heldOut: heldOutInputs.map(joined),
  };
}

function readerOf(rows: Float32Array, width: number): TokenReader {
  return {
    width,
    count: rows.length / width,
    read: (start, count) => Promise.resolve(rows.subarray(start * width, (start + count) * width)),
  };
}
