import { rankedDelta } from '../../../library/ranked-delta.ts';
import type { NoticesPart, Section } from '../../../report/page.ts';
import { errorsText, predictions } from './predictions.ts';
import { ratios, refitErrors } from './refit-errors.ts';
import type { Told } from './told.ts';
import { countText, fixed, listed, pointsText } from './words.ts';

type Notice = NoticesPart['notices'][number];

/** What can be believed of the numbers above, in plain words. */
export function checksSection(told: Told): Section {
  const notices = [flattered(told), failed(told), refit(told), few(told), additive(told), transferred(told)];
  return {
    id: 'checks',
    title: 'Can these numbers be trusted?',
    lead: 'What the run checked of itself, and what its images are too few to tell.',
    parts: [{ kind: 'notices', notices: notices.flat() }],
  };
}

function flattered({ selection, test }: Told): Notice[] {
  const splits = [selection, ...(test === undefined ? [] : [test])];
  const seen = splits.filter(({ warning }) => warning !== undefined).map(({ name }) => name);
  return seen.length === 0
    ? []
    : [
        {
          level: 'warning',
          text: `The teacher may have been trained on the images of: ${listed(seen)}. Every number on them is too good, losses among them.`,
        },
      ];
}

function failed({ run }: Told): Notice[] {
  const { blocks } = run.library.manifest;
  const bare = blocks.filter(({ descendants }) => descendants.length < 2).map(({ index }) => String(index));
  return bare.length === 0
    ? []
    : [
        {
          level: 'failure',
          text: `Nothing was made of block ${listed(bare)}: the jobs of all widths failed. So no whole model could be measured in which every block is narrower.`,
        },
      ];
}

/** The gate of the refit stops a run that fails it; here is by how much it passed. */
function refit(told: Told): Notice[] {
  const errors = refitErrors(told);
  if (errors.length === 0) return [];
  const { median, most } = ratios(errors);
  const unchecked = errors.filter(({ standardError }) => standardError === undefined).length;
  return [
    {
      level: median > 3 ? 'warning' : 'good',
      text:
        `E(S): on images that they had not seen, the ${countText(errors.length)} refits erred ${fixed(median, 2)} times as much as their closed form says (median; at most ${fixed(most, 2)} times)` +
        `${median > 1.5 ? ': more calibration images would bring the two together' : ''}. A fit on few images errs more on others than on its own; a mistake in the weights would multiply it, and stops the run.`,
    },
    ...(unchecked === 0
      ? []
      : [
          {
            level: 'note' as const,
            text: `Of ${unchecked} refits too few images were held out to say how uncertain the measured error is.`,
          },
        ]),
  ];
}

function few({ run, selection, confidenceText, names }: Told): Notice[] {
  const all = run.library.manifest.blocks.flatMap(({ descendants }) => descendants.slice(1));
  if (all.length === 0) return [];
  const straddling = all.filter((item) => {
    const { low, high } = rankedDelta(item).top1Pp;
    return low <= 0 && high >= 0;
  }).length;
  if (straddling === 0)
    return [
      {
        level: 'good',
        text: `${selection.words} are enough to tell each of the ${all.length} descendants' ${names.top1} from its teacher's block.`,
      },
    ];
  return [
    {
      level: 'note',
      text:
        `${straddling} of ${all.length} descendants: ${selection.words} cannot tell their ${names.top1} from the teacher's (the ${confidenceText} interval holds 0). ` +
        'The divergence from the teacher, which uses every probability of every image, orders those. More selection images would narrow the intervals.',
    },
  ];
}

/** Beyond this the budget's predictions mislead, whatever the images are off by. */
const largestErrorPp = 3;

function additive({ run }: Told): Notice[] {
  const found = predictions(run);
  if (found === undefined)
    return [
      {
        level: 'note',
        text: 'No random composition was measured (measure.compositions: 0), so how well models are predicted from their blocks is not known.',
      },
    ];
  const error = found.errors.meanAbsoluteErrorPp ?? 0;
  return [
    {
      level: error > largestErrorPp ? 'warning' : 'good',
      text: `Additivity: ${errorsText(found.errors, run)}${error > largestErrorPp ? ' Trust only what was measured: the command compose measures what it writes unless it is told not to.' : ''}`,
    },
  ];
}

/** Whether the test split says of the recommended model what the selection split did. */
function transferred({ recommended, test, selection }: Told): Notice[] {
  const model = recommended?.model;
  const [chosen, tested] = [model?.selection?.top1DeltaPp, model?.test?.top1DeltaPp];
  if (model === undefined || test === undefined || chosen === undefined || tested === undefined) return [];
  const apart = tested.high < chosen.low || tested.low > chosen.high;
  return [
    {
      level: apart && tested.mean < chosen.mean ? 'warning' : 'good',
      text:
        `${model.label}: chosen by ${pointsText(chosen)} on ${selection.words}; on ${test.words} it is ${pointsText(tested)}. ` +
        (apart
          ? 'The two intervals do not meet: believe the test split.'
          : 'The two intervals meet: nothing speaks of a choice by luck.'),
    },
  ];
}
