import type { Fact } from '../../../report/page.ts';
import { countText, listed } from './words.ts';
import type { FleetsRun } from './read-run.ts';

/** What the fleets are, beside what is told of every run. */
export function fleetsFacts({ report }: FleetsRun): Fact[] {
  const { fleets } = report;
  const origins = new Set(
    fleets.flatMap(({ submodels }) => submodels.map(({ origin }) => origin ?? 'cut out of the teacher')),
  );
  const facts: readonly (readonly [string, string])[] = [
    [
      'Method',
      report.kind === 'ed-vit'
        ? 'ed-vit: sub-models that know a part of the classes, retrained one by one and fused'
        : 'devit: sub-models that know a part of the classes, distilled, trained together and fused',
    ],
    [
      'Fleets',
      fleets
        .map(({ name, devices, partition }) => `${name} (${devices.length}, classes divided ${partition.by})`)
        .join(', '),
    ],
    ['Classes', countText(report.classes.length)],
    ['Sub-models', listed([...origins])],
    ['Fusion', [...new Set(fleets.map(({ head }) => head))].join(', ')],
    ['Engine', report.engine],
    ['Seed', String(report.seed)],
  ];
  return facts.flatMap(([label, value]) => (value === '' ? [] : [{ label, value }]));
}
