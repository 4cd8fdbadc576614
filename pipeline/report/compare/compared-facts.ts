import { measureNames } from '../../measure/measure-names.ts';
import type { ComparedRun } from '../compared-run.ts';
import type { Fact, TablePart } from '../page.ts';

export interface ComparedFacts {
  /** The same in all runs. */
  readonly equal: readonly Fact[];
  readonly different: TablePart;
}

/** Facts side by side by their labels, in the order of the first run that has each. */
export function comparedFacts(runs: readonly ComparedRun[]): ComparedFacts {
  const told = runs.map((run): readonly Fact[] => [
    { label: 'Method', value: run.method },
    ...run.facts.filter(({ label }) => label !== 'Method'),
    { label: 'Measured by', value: measureNames(run.measure).top1 },
    {
      label: 'Measured on',
      value: `${run.images.toLocaleString('en-US')} images of the ${run.split.name} split`,
    },
    { label: 'Images', value: `split sha256 ${run.split.sha256.slice(0, 12)}` },
    { label: 'Confidence', value: `${Number((100 * run.confidence).toPrecision(6))} %` },
  ]);
  const labels = [...new Set(told.flatMap((facts) => facts.map(({ label }) => label)))];
  const rows = labels.map((label) => ({
    label,
    values: told.map((facts) => facts.find((fact) => fact.label === label)?.value),
  }));
  const isEqual = ({ values }: (typeof rows)[number]) => new Set(values).size === 1;
  return {
    equal: rows.filter(isEqual).map(({ label, values }) => ({ label, value: values[0] ?? '' })),
    different: {
      kind: 'table',
      caption: 'What differs',
      columns: [{ title: '' }, ...runs.map(({ name }) => ({ title: name }))],
      rows: rows
        .filter((row) => !isEqual(row))
        .map(({ label, values }) => [
          { text: label },
          ...values.map((value) =>
            value === undefined ? { text: '—', tone: 'weak' as const } : { text: value },
          ),
        ]),
    },
  };
}

/** Whether all runs that say it say the same; also where none does. */
export function agreeOn(runs: readonly ComparedRun[], label: string): boolean {
  const values = runs.flatMap(({ facts }) =>
    facts.filter((fact) => fact.label === label).map(({ value }) => value),
  );
  return new Set(values).size < 2;
}
