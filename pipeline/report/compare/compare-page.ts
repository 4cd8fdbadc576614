import { comparedTitle, type ComparedRun } from '../compared-run.ts';
import type { Part, ReportPage } from '../page.ts';
import { comparedFacts } from './compared-facts.ts';
import { costCharts, differenceChart } from './compare-charts.ts';
import { matchModels } from './match-models.ts';
import { misleading } from './misleading.ts';
import { differencesOf, differenceTable, modelTable, type FoundDifference } from './model-tables.ts';

/**
 * Runs side by side, as a page: what differs between them, their models, and paired differences where the images are the same.
 * @param given two or more; the others are compared with the first
 */
export function comparePage(given: readonly ComparedRun[]): ReportPage {
  const runs = withNamesApart(given);
  const [reference] = runs;
  if (reference === undefined) throw new RangeError('no runs to compare');
  const facts = comparedFacts(runs);
  const rows = matchModels(runs);
  const found = differencesOf(runs, rows);
  const notices = misleading(runs);
  const none: Part = { kind: 'text', text: 'No model is in both the first run and another one.' };
  return {
    title: runs.map(({ name }) => name).join(' against '),
    headline: headline(runs, found, notices.filter(({ level }) => level === 'warning').length),
    facts: facts.equal,
    sections: [
      {
        id: 'runs',
        title: 'The runs',
        lead:
          facts.different.rows.length === 0
            ? 'They say the same of themselves; all of it stands above.'
            : 'What is the same in all of them stands above.',
        parts: [
          ...(notices.length === 0 ? [] : [{ kind: 'notices' as const, notices }]),
          ...(facts.different.rows.length === 0 ? [] : [facts.different]),
        ],
      },
      {
        id: 'differences',
        title: `Against ${reference.name}`,
        lead:
          'The same model of another run less that of the first. Where both answered the same images, the difference is paired: ' +
          'only images on which they disagree count, so it is known far better than either share of right images.',
        parts:
          found.length === 0
            ? [none]
            : [
                differenceChart(reference, runs, found),
                differenceTable(reference, found, comparedTitle(runs)),
              ],
      },
      {
        id: 'costs',
        title: 'Accuracy against cost',
        lead: 'Every model of every run with its interval.',
        parts: costCharts(runs),
      },
      { id: 'models', title: 'All models', parts: [modelTable(runs, rows)] },
    ],
  };
}

/** Runs of one name get a number behind it: names are what tells them apart on the page. */
function withNamesApart(runs: readonly ComparedRun[]): ComparedRun[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  for (const { name } of runs) counts.set(name, (counts.get(name) ?? 0) + 1);
  return runs.map((run) => {
    let name = run.name;
    for (let number = 1; (counts.get(run.name) ?? 0) > 1 || taken.has(name); number++) {
      name = `${run.name} (${number})`;
      if (!taken.has(name) && !counts.has(name)) break;
    }
    taken.add(name);
    return { ...run, name };
  });
}

function headline(
  runs: readonly ComparedRun[],
  found: readonly FoundDifference[],
  warnings: number,
): string[] {
  const [reference, ...others] = runs;
  const sentences = others.map((run) => {
    const own = found.filter((entry) => entry.run === run);
    if (own.length === 0) return `${run.name} has no model in common with ${reference?.name ?? ''}.`;
    const better = own.filter(({ found: { low } }) => low > 0).length;
    const worse = own.filter(({ found: { high } }) => high < 0).length;
    const paired = own.filter(({ found: { isPaired } }) => isPaired).length;
    const how = paired === own.length ? 'paired' : paired === 0 ? 'unpaired' : `${paired} of them paired`;
    return (
      `${run.name} against ${reference?.name ?? ''}: of ${own.length} model${own.length === 1 ? '' : 's'} in both (${how}), ` +
      `${better} better, ${worse} worse, ${own.length - better - worse} not told apart by these images.`
    );
  });
  return warnings === 0
    ? sentences
    : [
        ...sentences,
        `Mind ${warnings === 1 ? 'the warning' : `${warnings} warnings`} below: not all that stands side by side compares.`,
      ];
}
