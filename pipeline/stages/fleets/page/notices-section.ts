import { trainedOnWarning } from '../../../../datasets/split-sources.ts';
import type { NoticesPart, Section } from '../../../report/page.ts';
import type { FleetReport } from '../report-file.ts';
import type { Told } from './told.ts';
import { countText, listed } from './words.ts';

type Notice = NoticesPart['notices'][number];

/** What has to be known before the numbers are believed, and what is not here. */
export function noticesSection(told: Told): Section | undefined {
  const { report, answers } = told.run;
  const { images, missing, flattered, fleets } = report;
  const measured = images > 0 && fleets.length > 0;
  const notices: readonly (Notice | false)[] = [
    images === 0 && {
      level: 'warning',
      text: 'The config asks for no test images (data.splits.test): accuracies, confusion and what is lost with a device are left out.',
    },
    missing.length > 0 && {
      level: 'failure',
      text: `Left out, because a job of theirs failed: ${listed(missing, 10)}. \`status\` shows which, running again does what is missing.`,
    },
    flattered &&
      images > 0 && {
        level: 'warning',
        text: trainedOnWarning('test', `${countText(images)} images`, 'train'),
      },
    measured &&
      answers === undefined && {
        level: 'note',
        text: 'What every model said of every image is not here (an earlier version made the run, or the file is of other images): confusion, and what each class loses, are left out. Running again does the last job again.',
      },
    ...fleets.flatMap((fleet) => fleetNotices(told, fleet)),
  ];
  const said = notices.filter((notice) => notice !== false);
  if (said.length === 0) return undefined;
  return { id: 'notices', title: 'Before you trust this', parts: [{ kind: 'notices', notices: said }] };
}

function fleetNotices({ prefix, run }: Told, fleet: FleetReport): (Notice | false)[] {
  const { fused, small, devit, submodels } = fleet;
  const better = small
    .filter(({ kind }) => kind === 'device')
    .find((one) => one.top1Percent.mean >= fused.top1Percent.mean);
  const fewest = Math.min(...submodels.map(({ trained }) => trained.images));
  return [
    better !== undefined && {
      level: 'warning',
      text: `${prefix(fleet)}One small model that costs as much as one device alone is right at least as often as the whole fleet: here a fleet pays only where devices are lost, or memory is too small for it.`,
    },
    devit?.joint?.startKept === true && {
      level: 'note',
      text: `${prefix(fleet)}Training the sub-models together made no look better than the start, so it changed nothing.`,
    },
    fewest < 100 &&
      run.report.images > 0 && {
        level: 'note',
        text: `${prefix(fleet)}The smallest sub-model has ${fewest} test images of its classes: its intervals are wide.`,
      },
  ];
}
