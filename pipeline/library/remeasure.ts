import { measureAll } from '../measure/measured.ts';
import type { Scores } from '../measure/scores.ts';
import { sweep } from '../measure/sweep.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { loadEngine, type Engine, type EngineChoice } from '../tensor/engine.ts';
import { libraryJudge } from './judge.ts';
import { checkComposition, type Library } from './open.ts';
import { modelScoresOf, type ModelScores } from './manifest-parts.ts';
import { uploadLibrary } from './upload.ts';
import { openMeasuredSplit, type MeasuredSplit, type MeasureSource } from './images.ts';
import { known } from '../util/known.ts';

export interface RemeasureOptions {
  /** Default: `selection`, which the manifest's numbers were measured on. */
  readonly split?: MeasuredSplit | undefined;
  /** Weights in place of the library's, by the id of the descendant. */
  readonly replaced?: ReadonlyMap<string, FfnWeights> | undefined;
  /** Default: `auto`. */
  readonly engine?: EngineChoice | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((progress: {
        readonly fraction: number;
        readonly note?: string;
        readonly metrics?: Readonly<Record<string, number>>;
      }) => void)
    | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

export interface RemeasuredModel {
  /** In the manifest's own form. */
  readonly measured: ModelScores;
  /** Image by image, for paired comparisons of two models. */
  readonly scores: Scores;
}

export interface Remeasured {
  readonly engine: Engine;
  readonly split: MeasuredSplit;
  readonly images: number;
  readonly teacher: RemeasuredModel;
  /** In the order asked for. */
  readonly models: readonly (RemeasuredModel & { readonly descendants: readonly string[] })[];
}

/**
 * Measures compositions of a library (a descendant id for every block) on the images its own numbers were measured on,
 * each paired against the teacher. All weights but those `replaced` come from the library's files: what is measured is what was shipped.
 * Loads an engine. Costs a forward pass per composition, and one for the teacher.
 *
 * @throws BlockForgeError `library-invalid` for a composition that is none, `data-invalid` where the images are others,
 * `not-finite`, `engine-unavailable`; `signal.reason` when aborted
 */
export async function remeasure(
  library: Library,
  source: MeasureSource,
  compositions: readonly (readonly string[])[],
  { split = 'selection', replaced, engine: choice = 'auto', signal, onProgress, warn }: RemeasureOptions = {},
): Promise<Remeasured> {
  const { manifest } = library;
  compositions.forEach((ids) => checkComposition(library, ids));
  // The same choice under two names (a context is a uniform model, too) is one model.
  const distinct = new Map(compositions.map((ids) => [ids.join(' '), ids]));
  const engine = await loadEngine(choice);
  const drawing = source.items === undefined ? 0.3 : 0;
  const images = await openMeasuredSplit(library, source, split, {
    signal,
    warn,
    onProgress: ({ fraction, note }) =>
      onProgress?.({ fraction: drawing * fraction, note: `drawing the split: ${note}` }),
  });
  const judge = await libraryJudge(library);
  const uploaded = await uploadLibrary(library, compositions.flat(), replaced);
  try {
    const { models } = await sweep({
      model: uploaded.teacher,
      judge,
      batches: images.tensorBatches(images.items, source.batchSize),
      images: images.items.length,
      descendants: [],
      models: [...distinct].map(([id, ids]) => ({ id, ffn: (block) => uploaded.ffn(ids[block]!) })),
      signal,
      onProgress: ({ fraction, ...rest }) =>
        onProgress?.({ fraction: drawing + (1 - drawing) * fraction, ...rest }),
    });
    const measured = measureAll(models, manifest.confidence, manifest.teacher.architecture);
    const of = (id: string): RemeasuredModel => ({
      measured: modelScoresOf(known(measured, id)),
      scores: known(models, id),
    });
    return {
      engine,
      split,
      images: images.items.length,
      teacher: of('teacher'),
      models: compositions.map((descendants) => ({ descendants, ...of(descendants.join(' ')) })),
    };
  } finally {
    uploaded.dispose();
    judge.dispose();
  }
}
