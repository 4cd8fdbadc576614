import type { ReportPage, Section } from '../../../report/page.ts';
import { budgetSection } from './budget.ts';
import { checksSection } from './checks.ts';
import { classesSection } from './classes.ts';
import { blocksFacts } from './facts.ts';
import { examplesSection } from './gallery.ts';
import { headline } from './headline.ts';
import { heatMapSection } from './heat-maps.ts';
import { librarySection } from './library-table.ts';
import { predictionSection } from './predictions.ts';
import { readBlocksRun } from './read-run.ts';
import { resultSection } from './result.ts';
import { tell } from './told.ts';
import { tradeOffSection } from './trade-off.ts';
import { trainingSection } from './training.ts';
import { splitsJob } from '../../common/artefacts.ts';
import { readJobRecord } from '../../common/page/run-records.ts';

/** The page of a run, from its files alone. Undefined where there is no library yet. */
export async function blocksPage(runFolder: string): Promise<ReportPage | undefined> {
  const run = await readBlocksRun(runFolder);
  if (run === undefined) return undefined;
  const told = tell(run);
  const sections: readonly (Section | undefined)[] = [
    resultSection(told),
    budgetSection(told),
    tradeOffSection(told),
    heatMapSection(told),
    librarySection(told),
    trainingSection(told),
    predictionSection(told),
    await examplesSection(told),
    classesSection(told),
    checksSection(told),
  ];
  return {
    title: run.name,
    headline: headline(told),
    facts: blocksFacts(run.library.manifest, (await readJobRecord(runFolder, splitsJob)) !== undefined),
    sections: sections.filter((section) => section !== undefined),
  };
}
