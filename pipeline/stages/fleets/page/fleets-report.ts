import type { Section } from '../../../report/page.ts';
import type { ReportOf } from '../../common/method.ts';
import type { FleetsMethod } from '../report-file.ts';
import { burdenSection } from './burden-section.ts';
import { comparedFleets } from './compared.ts';
import { confusionSection } from './confusion-section.ts';
import { devicesSection } from './devices-section.ts';
import { fleetsFacts } from './facts.ts';
import { headline } from './headline.ts';
import { lostSection } from './lost-section.ts';
import { noticesSection } from './notices-section.ts';
import { readFleetsRun } from './read-run.ts';
import { resultSection } from './result-section.ts';
import { submodelsSection } from './submodels-section.ts';
import { tell, type Told } from './told.ts';
import { trainingSection } from './training-section.ts';

/** In the order in which they are read; each is left out where the run has nothing for it. */
const sections: readonly ((told: Told) => Section | undefined)[] = [
  noticesSection,
  resultSection,
  devicesSection,
  lostSection,
  confusionSection,
  submodelsSection,
  trainingSection,
  burdenSection,
];

/** What a method that makes sub-models for the devices of fleets says of a run. */
export function fleetsReport(method: FleetsMethod): ReportOf {
  return {
    async page(runFolder) {
      const run = await readFleetsRun(runFolder, method);
      if (run === undefined) return undefined;
      const told = tell(run);
      return {
        title: run.name,
        headline: headline(told),
        facts: fleetsFacts(run),
        sections: sections.flatMap((section) => section(told) ?? []),
      };
    },
    compared: (runFolder) => comparedFleets(runFolder, method),
  };
}
