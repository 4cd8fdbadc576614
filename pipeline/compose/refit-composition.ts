import { shareImages, tokenWeights, type TokenWeights } from '../compress/token-weights.ts';
import { libraryJudge } from '../library/judge.ts';
import type { Library } from '../library/open.ts';
import { uploadLibrary } from '../library/upload.ts';
import { known } from '../util/known.ts';
import { summariseScores } from '../measure/scores.ts';
import { sweep } from '../measure/sweep.ts';
import { hiddenUnits, prefixTokens } from '../model/architecture.ts';
import { disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { sampledTokens } from '../recipe/calibration.ts';
import { classShareBatchSize, measureClassShare } from '../recipe/evidence.ts';
import { fitLevels } from '../recipe/fit-levels.ts';
import { memoryStreams } from '../recipe/stream-store.ts';
import { loadEngine, type EngineChoice } from '../tensor/engine.ts';
import type { RefittedModel } from './model-manifest.ts';
import type { Refitted } from './own-weights.ts';
import type { RefitImages } from './refit-images.ts';
import { refitSettings, type RefitSettings } from './refit-settings.ts';

export interface RefitCompositionOptions {
  readonly engine?: EngineChoice | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    ((progress: { readonly fraction: number; readonly note: string }) => void) | undefined;
}

/** Most bytes of residual streams in memory; images beyond are computed anew for every block. */
const streamBytes = 2e9;
const batchSize = 50;
/** Shares of the time. */
const [fitFrom, measureFrom] = [0.05, 0.9];

/**
 * Fits the blocks of a composition again, for what they receive in it: in order, fc2 (weights and bias) of every block that
 * is not the teacher's own becomes the least-squares map, half on the teacher's inputs and half on the model's, towards what
 * brings the residual stream back to the teacher's. fc1 and the library stay as they are. Both models are compared with the teacher on
 * the held-out images, and the library's weights are kept where they diverge less. Loads an engine. Costs three to four
 * forward passes over the images.
 *
 * @returns undefined where every block is the teacher's own
 * @throws BlockForgeError `not-finite`, `engine-unavailable`; `signal.reason` when aborted
 */
export async function refitComposition(
  library: Library,
  descendants: readonly string[],
  images: RefitImages,
  { engine = 'auto', signal, onProgress }: RefitCompositionOptions = {},
): Promise<Refitted | undefined> {
  const { architecture } = library.manifest.teacher;
  const hiddens = hiddenUnits(architecture);
  const isNarrow = descendants.map((id, block) => library.descendant(id).width < hiddens[block]!);
  if (!isNarrow.includes(true)) return undefined;
  const settings = refitSettings(library.manifest);
  await loadEngine(engine);
  const uploaded = await uploadLibrary(library, descendants);
  try {
    const { teacher } = uploaded;
    const weights = new Map<string, FfnWeights>();
    const fitting = fitLevels({
      model: teacher,
      levels: 1,
      startOf: async (block) => [
        { weights: await library.readFfn(descendants[block]!), refit: isNarrow[block]! },
      ],
      images,
      batchesOf: images.batchesOf,
      calibration: settings.calibration,
      weights: await weightsOfTokens(teacher, settings, images),
      composedShare: settings.composedShare,
      ridge: settings.ridge,
      store: memoryStreams(streamBytes),
      signal,
      onProgress: (fraction, note) =>
        onProgress?.({ fraction: fitFrom + (measureFrom - fitFrom) * fraction, note }),
    });
    for await (const { block, levels } of fitting) {
      if (isNarrow[block]) weights.set(descendants[block]!, levels[0]!.weights);
    }
    const own = new Map([...weights].map(([id, ffn]) => [id, uploadFfn(ffn)]));
    const judge = await libraryJudge(library);
    let compared: Pick<RefittedModel, 'before' | 'after'>;
    try {
      const { models } = await sweep({
        model: teacher,
        judge,
        batches: images.batchesOf(images.heldOut, batchSize),
        images: images.heldOut.length,
        descendants: [],
        models: [
          { id: 'before', ffn: (block) => uploaded.ffn(descendants[block]!) },
          {
            id: 'after',
            ffn: (block) => own.get(descendants[block]!) ?? uploaded.ffn(descendants[block]!),
          },
        ],
        signal,
        onProgress: ({ fraction, note }) =>
          onProgress?.({ fraction: measureFrom + (1 - measureFrom) * fraction, note }),
      });
      const divergence = (id: string) => {
        const { kl, agreementPercent } = summariseScores(known(models, id));
        return { kl, agreementPercent };
      };
      compared = { before: divergence('before'), after: divergence('after') };
    } finally {
      [...own.values()].forEach(disposeFfn);
      judge.dispose();
    }
    const isBetter = compared.after.kl < compared.before.kl;
    return {
      weights: isBetter ? weights : new Map(),
      record: {
        descendants: isBetter ? [...weights.keys()] : [],
        images: images.record,
        ownShare: settings.composedShare,
        tokensPerImage: settings.calibration.tokensPerImage,
        ...compared,
      },
    };
  } finally {
    uploaded.dispose();
  }
}

/** How much the tokens of every block count: as in the library's run, found on as many of these images. */
async function weightsOfTokens(
  model: ModelTensors,
  { calibration, tokenWeights: kind }: RefitSettings,
  { training, batchesOf }: RefitImages,
): Promise<TokenWeights[]> {
  const { architecture } = model;
  const shares =
    kind === 'uniform'
      ? null
      : await measureClassShare(
          model,
          calibration,
          batchesOf(training.slice(0, shareImages), classShareBatchSize),
          () => undefined,
        );
  return Array.from({ length: architecture.depth }, (_, block) =>
    tokenWeights(
      shares?.[block] ?? null,
      sampledTokens(calibration, architecture, block),
      prefixTokens(architecture),
    ),
  );
}
