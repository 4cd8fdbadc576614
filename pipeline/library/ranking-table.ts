import type { ManifestBlock } from './manifest.ts';
import { rankedDelta } from './ranked-delta.ts';
import { measureNames, type MeasureKind } from '../measure/measure-names.ts';
import type { Ranked, RankedResource } from '../measure/rank.ts';

/** `ranking.json`: the overall order with what it was made from, for readers who do not want the whole manifest. */
export function rankingJson(
  blocks: readonly ManifestBlock[],
  ranked: readonly Ranked[],
  resource: RankedResource,
  kind?: MeasureKind,
): Record<string, unknown> {
  const context = blocks.some(({ descendants }) => descendants.some(({ deltas }) => deltas.average))
    ? 'average'
    : 'teacher';
  return { resource, context, entries: rankingRows(blocks, ranked).map((row) => renamed(row, kind)) };
}

/**
 * `ranking.csv`: one line per descendant, best first. Column names carry their units. `top1_delta_pp` and
 * `kl_increase_nats` are averaged over the contexts; columns that end in a context's name hold for that one.
 */
export function rankingCsv(
  blocks: readonly ManifestBlock[],
  ranked: readonly Ranked[],
  kind?: MeasureKind,
): string {
  const rows = rankingRows(blocks, ranked);
  const cell = (value: string | number | boolean | null) => (value === null ? '' : String(value));
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(','));
  return `${[columns.map((column) => columnName(column, kind)).join(','), ...lines].join('\n')}\n`;
}

const columns = [
  'overall_rank',
  'rank_in_block',
  'tie_group',
  'id',
  'block',
  'width',
  'sparsity',
  'top1_delta_pp',
  'top1_delta_pp_low',
  'top1_delta_pp_high',
  'top1_delta_pp_teacher',
  'top1_delta_pp_middle',
  'top1_delta_pp_sparsest',
  'kl_increase_nats',
  'kl_nats_teacher',
  'agreement_percent_teacher',
  'images',
  'saved_percent',
  'loss_pp_per_percent',
  'params',
  'macs',
  'latency_p50_ms',
  'latency_p90_ms',
  'size_bytes',
  'dominated',
  'dominated_by',
  'source',
] as const;

/** Of models that answer with features, no column is called KL or plain top-1. */
function columnName(column: string, kind?: MeasureKind): string {
  if (kind === undefined) return column;
  const { top1Column, divergenceColumn } = measureNames(kind);
  return column
    .replace(/^top1_/, `${top1Column}_`)
    .replace(/^kl_/, `${divergenceColumn}_`)
    .replace('_nats', '');
}

function renamed(row: Row, kind?: MeasureKind): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [columnName(column, kind), value]));
}

type Row = Record<(typeof columns)[number], string | number | boolean | null>;

function rankingRows(blocks: readonly ManifestBlock[], ranked: readonly Ranked[]): Row[] {
  const byId = new Map(
    blocks.flatMap(({ descendants }) => descendants.map((item) => [item.id, item] as const)),
  );
  return ranked.map((entry) => {
    const item = byId.get(entry.id);
    if (item === undefined) throw new Error(`${entry.id} is ranked but not in the library`);
    const { top1Pp, klIncrease, kl, images } = rankedDelta(item);
    const { teacher, middle, sparsest } = item.deltas;
    return {
      overall_rank: entry.overallRank,
      rank_in_block: entry.rank,
      tie_group: entry.tieGroup,
      id: item.id,
      block: entry.block,
      width: item.width,
      sparsity: item.sparsity,
      top1_delta_pp: top1Pp.mean,
      top1_delta_pp_low: top1Pp.low,
      top1_delta_pp_high: top1Pp.high,
      top1_delta_pp_teacher: teacher.top1Pp.mean,
      top1_delta_pp_middle: middle?.top1Pp.mean ?? null,
      top1_delta_pp_sparsest: sparsest?.top1Pp.mean ?? null,
      kl_increase_nats: klIncrease ?? kl,
      kl_nats_teacher: teacher.kl,
      agreement_percent_teacher: teacher.agreementPercent,
      images,
      saved_percent: entry.savedPercent,
      loss_pp_per_percent: entry.lossPpPerPercent,
      params: item.params,
      macs: item.macs,
      latency_p50_ms: item.latencyMs.p50,
      latency_p90_ms: item.latencyMs.p90,
      size_bytes: item.file.sizeBytes,
      dominated: entry.dominated,
      dominated_by: entry.dominatedBy,
      source: item.source,
    };
  });
}
