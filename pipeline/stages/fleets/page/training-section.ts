import { linesChart } from '../../../report/charts/lines.ts';
import type { ChartPart, Part, Section, TablePart } from '../../../report/page.ts';
import type { FleetReport } from '../report-file.ts';
import type { FleetHistory, Training } from './read-run.ts';
import type { Told } from './told.ts';
import { fixed, listed, numberCell } from './words.ts';

/** Small charts that a page has room for. */
const mostPanels = 12;

const lines = [
  { kind: 'own classes', of: 'ownAccuracy' },
  { kind: 'all images', of: 'accuracy' },
] as const;

/** How the models were trained: held-out images, step by step, and what was chosen by them. */
export function trainingSection(told: Told): Section | undefined {
  const { histories, report } = told.run;
  const parts = histories.flatMap((history, index): Part[] => {
    const fleet = report.fleets[index]!;
    const { trainings, joint, fusion } = history;
    return [
      ...(trainings.length === 0
        ? []
        : [trainingChart(told, fleet, trainings), trainingTable(told, fleet, trainings)]),
      ...(joint === undefined ? [] : [jointChart(told, fleet, joint)]),
      ...(fusion === undefined ? [] : [fusionTable(told, fleet, fusion)]),
    ];
  });
  if (parts.length === 0) return undefined;
  return {
    id: 'training',
    title: 'Training and what it chose',
    lead:
      'Images that are held out of training choose which step is kept, the start among them; of a sub-model the step nearest to its teacher, not the one that is right most often. ' +
      'Own classes: their images, answered among these; all images: those of other classes, too, which a sub-model only has to call so. ' +
      'The selection split chooses the fusion. No test image is in any of this.',
    parts,
  };
}

/** Every training looks at its start. */
const lastOf = <T>(looks: readonly T[]): T => looks[looks.length - 1]!;
const share = (value: number): string => `${fixed(100 * value)} %`;

function trainingChart(told: Told, fleet: FleetReport, trainings: readonly Training[]): ChartPart {
  const shown = trainings.slice(0, mostPanels);
  const kept = (one: Training) =>
    `${one.name} ${share(one.start.ownAccuracy)} at the start, ${share(one.best.ownAccuracy)} at step ${one.best.step}, which is kept`;
  return linesChart({
    title: `${told.prefix(fleet)}Held-out images right while training`,
    alternative: `${listed(trainings.map(kept), mostPanels)}.`,
    lines: shown.flatMap((one) =>
      lines.map(({ kind, of }) => ({
        kind,
        panel: one.name,
        says: `${one.name}, ${kind}: ${share(one.start[of])} at the start, ${share(one.best[of])} kept from step ${one.best.step}, ${share(lastOf(one.history)[of])} at the end`,
        points: one.history.map((look) => ({ x: look.step, y: 100 * look[of] })),
      })),
    ),
    x: { title: 'step' },
    y: { title: 'right, %' },
  });
}

function trainingTable(told: Told, fleet: FleetReport, trainings: readonly Training[]): TablePart {
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}Start and kept step of every training, on its held-out images`,
    interactive: true,
    columns: [
      { title: 'model' },
      { title: 'steps', align: 'right' },
      {
        title: 'kept',
        align: 'right',
        about: '0: no step was better than the start, so training changed nothing.',
      },
      { title: 'right at the start', align: 'right' },
      { title: 'right as kept', align: 'right' },
      {
        title: 'divergence at the start',
        align: 'right',
        about: 'Mean KL from its teacher, nats: what chooses.',
      },
      { title: 'as kept', align: 'right' },
    ],
    rows: trainings.map(({ name, history, start, best }) => {
      const steps = lastOf(history).step;
      return [
        { text: name },
        numberCell(steps),
        numberCell(best.step),
        numberCell(start.ownAccuracy, share(start.ownAccuracy)),
        numberCell(best.ownAccuracy, share(best.ownAccuracy)),
        numberCell(start.divergence, start.divergence.toPrecision(3)),
        numberCell(best.divergence, best.divergence.toPrecision(3)),
      ];
    }),
  };
}

function jointChart(told: Told, fleet: FleetReport, joint: NonNullable<FleetHistory['joint']>): ChartPart {
  const { start, best, history } = joint;
  const kept =
    best.step === 0
      ? 'no step was better, so the start is kept and training together changed nothing'
      : `step ${best.step} is kept with ${share(best.top1)}`;
  return linesChart({
    title: `${told.prefix(fleet)}All sub-models trained together: held-out images right`,
    alternative: `${share(start.top1)} at the start; ${kept}; ${share(lastOf(history).top1)} at the last step.`,
    lines: [
      {
        kind: 'fused',
        says: `fused: ${share(start.top1)} at the start; ${kept}`,
        points: history.map(({ step, top1 }) => ({ x: step, y: 100 * top1 })),
      },
    ],
    x: { title: 'step' },
    y: { title: 'right, %' },
  });
}

function fusionTable(told: Told, fleet: FleetReport, fusion: NonNullable<FleetHistory['fusion']>): TablePart {
  const { chosen, candidates } = fusion;
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}Heads that the selection split chose among`,
    interactive: true,
    columns: [
      { title: 'head' },
      { title: 'right', align: 'right' },
      { title: 'cross-entropy', align: 'right' },
      { title: 'right, one sub-model absent', align: 'right', about: 'Mean over the sub-models.' },
    ],
    rows: candidates.map(({ name, top1, crossEntropy, absentTop1 }) => [
      { text: name === chosen ? `${name} (chosen)` : name },
      numberCell(top1, share(top1)),
      numberCell(crossEntropy, crossEntropy.toFixed(3)),
      absentTop1.length === 0 ? { text: '' } : numberCell(mean(absentTop1), share(mean(absentTop1))),
    ]),
  };
}
