import type { MeasureNames } from '../../../measure/measure-names.ts';
import type { Manifest } from '../../../library/manifest.ts';
import { rankedDelta } from '../../../library/ranked-delta.ts';
import type { Cell, Section, TableColumn } from '../../../report/page.ts';
import { formatCount } from '../../../util/format.ts';
import type { Told } from './told.ts';
import { fixed, millisecondsText, natsText, pointsCell, removedText, toneOf } from './words.ts';

/** The ranking: every descendant of every block, best trade first. */
export function librarySection({ run, selection, confidenceText, names }: Told): Section {
  const { manifest } = run.library;
  const { entries, resource } = manifest.ranking;
  const resourceWords = { params: 'parameters', macs: 'multiply-adds', latency: 'time' }[resource];
  return {
    id: 'library',
    title: 'The library, ranked',
    lead:
      `Every block at every width, ordered by the ${names.top1} it costs per percent of all blocks' ${resourceWords} that it saves. ${contextsText(manifest)} ` +
      `Where ${confidenceText} intervals overlap, neighbours share a group, and the divergence (${names.divergence}) per percent saved orders them, where a gain counts as none. Costs are those of the block alone; its multiply-adds and bytes go with its parameters. ◆ marks those that the budget above chooses.`,
    parts: [
      {
        kind: 'table',
        caption: `${entries.length} descendants, measured on ${selection.words}`,
        interactive: true,
        columns: columnsOf(names),
        rows: entries.map((entry) => rowOf(run.library.descendant(entry.id), entry)),
      },
    ],
  };
}

export function contextsText({ contexts }: Manifest): string {
  const others = contexts?.map(
    ({ name }) => ({ teacher: 'the teacher’s', middle: 'of middle width', sparsest: 'the narrowest' })[name],
  );
  return others === undefined || others.length < 2
    ? 'The other blocks are the teacher’s.'
    : `Differences are averaged over what the other blocks are: ${others.join(', ')}.`;
}

const columnsOf = ({ top1, divergence, unit }: MeasureNames): readonly TableColumn[] => [
  { title: 'rank', align: 'right', about: 'Over all blocks, 1 is the best trade.' },
  { title: 'block', align: 'right' },
  { title: 'removed', align: 'right', about: 'Share of the hidden units that are gone.' },
  { title: 'width', align: 'right', about: 'Hidden units kept.' },
  {
    title: `${top1}, pp`,
    align: 'right',
    about:
      'With it minus with the teacher’s block, paired, in percentage points. Grey: the interval holds zero.',
  },
  {
    title: `${divergence} added`,
    align: 'right',
    about: `Divergence from the teacher that it adds${unit === '' ? '' : `, in${unit}`}: finer than ${top1}.`,
  },
  {
    title: 'agrees',
    align: 'right',
    about: 'Images on which the teacher with this one block exchanged says what it said before.',
  },
  { title: 'saves', align: 'right', about: 'Of what all blocks of the teacher take together.' },
  { title: 'pp per % saved', align: 'right', about: 'What it is ranked by; a gain counts as no loss.' },
  { title: 'group', align: 'right', about: `Descendants of one group are not told apart by ${top1}.` },
  { title: 'parameters', align: 'right' },
  { title: 'p50', align: 'right', about: 'Of the block alone, on the machine of the run.' },
  { title: 'weights', about: 'Whether training beat the refit on held-out images; else the refit was kept.' },
  {
    title: 'no better than',
    about: `Another of its block that is as good in ${top1} and no larger in anything.`,
  },
];

function rowOf(
  item: Manifest['blocks'][number]['descendants'][number],
  entry: Manifest['ranking']['entries'][number],
): Cell[] {
  const { top1Pp, klIncrease, kl } = rankedDelta(item);
  const { agreementPercent } = item.deltas.teacher;
  const added = klIncrease ?? kl;
  const { lossPpPerPercent: price } = entry;
  return [
    { text: String(entry.overallRank), value: entry.overallRank, id: entry.id },
    { text: String(entry.block), value: entry.block },
    { text: removedText(item.sparsity), value: item.sparsity },
    { text: String(item.width), value: item.width },
    { text: pointsCell(top1Pp), value: top1Pp.mean, tone: toneOf(top1Pp) },
    { text: natsText(added), value: added },
    { text: `${fixed(agreementPercent)} %`, value: agreementPercent },
    { text: `${fixed(entry.savedPercent)} %`, value: entry.savedPercent },
    price === null ? { text: '–', value: Number.MAX_VALUE } : { text: fixed(price, 3), value: price },
    { text: String(entry.tieGroup), value: entry.tieGroup },
    { text: formatCount(item.params), value: item.params },
    { text: millisecondsText(item.latencyMs.p50), value: item.latencyMs.p50 },
    { text: item.source },
    { text: entry.dominatedBy?.replace(/^block-\d+\/w0*/, 'width ') ?? '' },
  ];
}
