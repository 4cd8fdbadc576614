import { measureNames } from '../../measure/measure-names.ts';
import { comparedName, type ComparedRun } from '../compared-run.ts';
import type { Cell, TablePart } from '../page.ts';
import { formatCount } from '../../util/format.ts';
import { difference, type Difference } from './difference.ts';
import type { MatchedModel } from './match-models.ts';

export interface FoundDifference {
  readonly label: string;
  readonly run: ComparedRun;
  readonly found: Difference;
  /** Parameters of the model as a share of the reference's; undefined where one is not known. */
  readonly paramsShare?: number | undefined;
}

/** Of every model that the reference and another run have. */
export function differencesOf(
  runs: readonly ComparedRun[],
  rows: readonly MatchedModel[],
): FoundDifference[] {
  const [first, ...others] = runs;
  if (first === undefined) return [];
  return rows.flatMap(({ label, models: [reference, ...rest] }) =>
    others.flatMap((run, i) => {
      const model = rest[i];
      if (reference === undefined || model === undefined) return [];
      const found = difference({ run: first, model: reference }, { run, model });
      const paramsShare =
        model.params === undefined || reference.params === undefined
          ? undefined
          : model.params / reference.params;
      return [{ label, run, found, paramsShare }];
    }),
  );
}

/** "81.3 [79.2, 83.3]", a column for each run. */
export function modelTable(runs: readonly ComparedRun[], rows: readonly MatchedModel[]): TablePart {
  return {
    kind: 'table',
    caption: `Every model: ${comparedName(runs)} in percent with its interval, and its parameters`,
    interactive: true,
    columns: [
      { title: 'model' },
      ...runs.flatMap(({ name, split, measure }) => [
        {
          title: name,
          align: 'right' as const,
          about: `${measureNames(measure).Top1} in percent on the ${split.name} split.`,
        },
        { title: 'parameters', align: 'right' as const, about: `Of the models of ${name}.` },
      ]),
    ],
    rows: rows.map(({ label, models }) => [
      { text: label },
      ...models.flatMap((model): Cell[] => {
        if (model === undefined) return [{ text: '—', tone: 'weak' }, { text: '' }];
        const { mean, low, high } = model.top1Percent;
        return [
          { text: `${mean.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`, value: mean },
          model.params === undefined
            ? { text: '' }
            : { text: formatCount(model.params), value: model.params },
        ];
      }),
    ]),
  };
}

/** @param title what the numbers are called at the head of a sentence */
export function differenceTable(
  reference: ComparedRun,
  found: readonly FoundDifference[],
  title: string,
): TablePart {
  return {
    kind: 'table',
    caption: `${title} against ${reference.name}, in points`,
    interactive: true,
    columns: [
      { title: 'model' },
      { title: 'run' },
      {
        title: 'difference',
        align: 'right',
        about: `Above 0: better than the same model of ${reference.name}.`,
      },
      { title: 'interval', align: 'right', about: 'Coloured where it leaves out 0.' },
      { title: 'how', about: 'Paired: image by image, so that the images themselves drop out.' },
      { title: 'parameters', align: 'right', about: `Of those of the same model of ${reference.name}.` },
    ],
    rows: found.map(({ label, run, found: { mean, low, high, isPaired, images, why }, paramsShare }) => {
      const tone = low > 0 ? ('good' as const) : high < 0 ? ('bad' as const) : undefined;
      return [
        { text: label },
        { text: run.name },
        { text: signedPoints(mean), value: mean, tone },
        { text: `[${signedPoints(low)}, ${signedPoints(high)}]`, value: low, tone },
        {
          text: isPaired
            ? `paired, ${(images ?? 0).toLocaleString('en-US')} images`
            : `unpaired${why === undefined ? '' : `: ${why}`}`,
          tone: isPaired ? undefined : 'weak',
        },
        paramsShare === undefined
          ? { text: '' }
          : { text: `${(100 * paramsShare).toFixed(1)} %`, value: paramsShare },
      ];
    }),
  };
}

/** "+1.20", "−0.40", "0.00" */
export function signedPoints(value: number): string {
  const text = value.toFixed(2);
  if (Number(text) === 0) return '0.00';
  return value > 0 ? `+${text}` : text.replace('-', '−');
}
