import { measureNames, type MeasureNames } from '../../../measure/measure-names.ts';
import type { Manifest, ManifestDescendant } from '../../../library/manifest.ts';
import { rankedDelta } from '../../../library/ranked-delta.ts';
import type { HeatCell, HeatMapPart, Section } from '../../../report/page.ts';
import { contextsText } from './library-table.ts';
import type { Told } from './told.ts';
import { fixed, listed, lossText, natsText, removedText } from './words.ts';

/** Block by removed share: what a descendant costs. */
export function heatMapSection(told: Told): Section {
  const { manifest } = told.run.library;
  const { selection, confidenceText } = told;
  const { top1, divergence, unit } = told.names;
  return {
    id: 'blocks',
    title: 'Which blocks can be narrow',
    lead:
      `One block exchanged at a time, on ${selection.words}. ${contextsText(manifest)} Point at a cell for its ${confidenceText} interval; ` +
      `those that the budget above chooses are framed.`,
    parts: [
      heatMap(manifest, `Points of ${top1} lost (negative: gained)`, (item) => {
        const { mean } = rankedDelta(item).top1Pp;
        return { text: fixed(0 - mean), value: Math.max(0, -mean) };
      }),
      { kind: 'text', text: toldApart(manifest, top1) },
      heatMap(
        manifest,
        `Divergence from the teacher added (${divergence}, thousandths${unit === '' ? '' : ' of a nat'})`,
        (item) => {
          const { klIncrease, kl } = rankedDelta(item);
          const added = klIncrease ?? kl;
          return { text: thousandths(added), value: Math.max(0, added) };
        },
      ),
    ],
  };
}

/** The blocks as rows, the shares of hidden units removed as columns. */
export function heatMap(
  manifest: Manifest,
  caption: string,
  cellOf: (
    item: ManifestDescendant,
  ) => (Pick<HeatCell, 'text' | 'value'> & { readonly hover?: string }) | null,
  scale: HeatMapPart['scale'] = 'loss',
): HeatMapPart {
  const names = measureNames(manifest.teacher.measure?.kind);
  const sparsities = [
    ...new Set(
      manifest.blocks.flatMap(({ descendants }) => descendants.slice(1).map(({ sparsity }) => sparsity)),
    ),
  ].sort((a, b) => a - b);
  return {
    kind: 'heat-map',
    caption,
    corner: 'block',
    columns: sparsities.map((sparsity) => `${removedText(sparsity)} removed`),
    rows: manifest.blocks.map(({ index, hidden, descendants }) => ({
      title: String(index),
      cells: sparsities.map((sparsity) => {
        const item = descendants.find((each) => each.sparsity === sparsity && each.source !== 'teacher');
        const cell = item && cellOf(item);
        if (item === undefined || cell === null || cell === undefined) return null;
        return {
          hover: `${placeText(item, index, hidden)}: ${deltaText(item, names)}`,
          id: item.id,
          ...cell,
        };
      }),
    })),
    scale,
  };
}

export function placeText({ width }: ManifestDescendant, block: number, hidden: number): string {
  return `block ${block}, ${width} of ${hidden} hidden units`;
}

function deltaText(item: ManifestDescendant, { divergence, unit }: MeasureNames): string {
  const { top1Pp, klIncrease, kl } = rankedDelta(item);
  return `loses ${lossText(top1Pp)}; ${divergence} added ${natsText(klIncrease ?? kl)}${unit}; alone in the teacher, it changes ${fixed(100 - item.deltas.teacher.agreementPercent)} % of the answers`;
}

function thousandths(nats: number): string {
  const value = 1000 * nats;
  return Math.abs(value) >= 100 ? fixed(value, 0) : Math.abs(value) >= 1 ? fixed(value, 1) : fixed(value, 2);
}

/** Which cells are more than the luck of these images. */
function toldApart({ blocks }: Manifest, top1: string): string {
  const all = blocks.flatMap(({ index, descendants }) =>
    descendants.slice(1).map((item) => ({ index, item, ...rankedDelta(item).top1Pp })),
  );
  const clear = all.filter(({ high }) => high < 0).sort((a, b) => a.mean - b.mean);
  const worst = clear
    .slice(0, 3)
    .map(({ index, item, ...loss }) => `block ${index} at ${removedText(item.sparsity)} (${lossText(loss)})`);
  return clear.length === 0
    ? `None of the ${all.length} ${top1} differences is clear of zero with these images; the divergence below tells the blocks apart.`
    : `${clear.length} of the ${all.length} ${top1} losses ${clear.length === 1 ? 'is' : 'are'} clear of zero, first ${listed(worst)}; the divergence below tells the others apart.`;
}
