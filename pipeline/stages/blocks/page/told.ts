import { flatteredNote } from '../../../library/manifest-parts.ts';
import { measureNames, type MeasureNames } from '../../../measure/measure-names.ts';
import type { Recommended } from '../../../library/recommended-model.ts';
import { recommendedModel } from '../../../library/recommended-model.ts';
import type { BlocksRun, MeasuredOnSplit } from './read-run.ts';
import { reportedModels, type ReportedModel } from './reported-models.ts';
import { countText } from './words.ts';

/** A split as the page speaks of it. */
export interface ToldSplit {
  readonly name: 'selection' | 'test';
  readonly images: number;
  /** "1,000 test images" */
  readonly words: string;
  /** What must stand beside its numbers; undefined where nothing must. */
  readonly warning: string | undefined;
  readonly of: (model: ReportedModel) => MeasuredOnSplit | undefined;
}

/** A run with what all parts of the page ask of it. */
export interface Told {
  readonly run: BlocksRun;
  readonly models: readonly ReportedModel[];
  readonly teacher: ReportedModel;
  readonly recommended: (Omit<Recommended, 'model'> & { readonly model: ReportedModel }) | undefined;
  readonly selection: ToldSplit;
  readonly test: ToldSplit | undefined;
  /** The test split where there is one: nothing was chosen by it. */
  readonly final: ToldSplit;
  readonly confidence: number;
  /** "95 %" */
  readonly confidenceText: string;
  /** What its numbers are called. */
  readonly names: MeasureNames;
}

export function tell(run: BlocksRun): Told {
  const { manifest } = run.library;
  const models = reportedModels(run);
  const found = recommendedModel(manifest);
  const own = models.find(({ id }) => id === found?.model.id);
  const selection = splitOf(run, 'selection', manifest.data.selection.images);
  const test = run.test && splitOf(run, 'test', run.test.images);
  return {
    run,
    models,
    teacher: models[0]!,
    recommended: found && own && { ...found, model: own },
    selection,
    test,
    final: test ?? selection,
    confidence: manifest.confidence,
    names: measureNames(manifest.teacher.measure?.kind),
    confidenceText: `${Number((100 * manifest.confidence).toFixed(2))} %`,
  };
}

function splitOf({ library }: BlocksRun, name: ToldSplit['name'], images: number): ToldSplit {
  return {
    name,
    images,
    words: `${countText(images)} ${name} images`,
    warning: library.manifest.data[name].mayBeTrainedOn ? flatteredNote : undefined,
    of: (model) => model[name],
  };
}
