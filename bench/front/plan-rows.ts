import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { layerShapes } from '../../pipeline/model/architecture.ts';
import { foldedArchitecture } from '../../pipeline/slicing/folded-architecture.ts';
import type { ModelShape } from '../../pipeline/slicing/shape.ts';
import { dimensionsWithin, evenlyWithin, tokensWithin } from './budgets.ts';
import { unitsAndTokens, type Column } from './columns.ts';
import { withUnits, type FrontModel } from './front-model.ts';
import type { RowName } from './row-names.ts';

/** One model of the table before it is made. */
export interface PlannedRow {
  readonly way: RowName | 'units, distilled' | 'merging+units, distilled';
  /** What was taken away, in words. */
  readonly what: string;
  /** Of the budgets; null: at its own cost. */
  readonly column: Column | null;
  readonly make: () => Promise<FrontModel>;
}

export interface RowSources {
  readonly teacher: FrontModel;
  readonly columns: readonly Column[];
  readonly rows: readonly RowName[];
  readonly multiple: number;
  /** Fitted blocks of a width. Asked for widths of `unitWidths` alone. */
  readonly fitted: (width: number) => Promise<readonly FfnWeights[]>;
  /** Distilled blocks of a width; undefined where there are none of it. */
  readonly distilled: (width: number) => Promise<readonly FfnWeights[]> | undefined;
  readonly cut: (shape: ModelShape) => Promise<FrontModel>;
}

/** The widths that rows ask `fitted` for, widest first. */
export function unitWidths({
  teacher,
  columns,
  rows,
  multiple,
}: Omit<RowSources, 'fitted' | 'distilled' | 'cut'>): number[] {
  const { architecture } = teacher;
  const found = columns.flatMap((column) => [
    rows.includes('units') ? column.units : undefined,
    rows.includes('merging+units') ? unitsAndTokens(architecture, column, multiple)?.units : undefined,
  ]);
  const widths = found.filter((width) => width !== undefined && width < architecture.hidden) as number[];
  return [...new Set(widths)].sort((a, b) => b - a);
}

/** Every row, column by column; what cannot be made small enough has none. */
export function planRows(sources: RowSources): PlannedRow[] {
  const { columns, rows, teacher } = sources;
  const { keySize, valueSize } = layerShapes(teacher.architecture)[0]!;
  const { width, hidden } = teacher.architecture;
  const half = (size: number): number => Math.max(1, Math.round(size / 2));
  const sides: PlannedRow[] = [
    sliced(sources, 'queries-keys', null, { width, hidden, keySize: half(keySize), valueSize }),
    sliced(sources, 'values-outputs', null, { width, hidden, keySize, valueSize: half(valueSize) }),
  ];
  return [...columns.flatMap((column) => columnRows(sources, column)), ...sides].filter(({ way }) =>
    rows.some((name) => way === name || way === `${name}, distilled`),
  );
}

function columnRows(sources: RowSources, column: Column): PlannedRow[] {
  const { teacher, multiple, fitted, distilled } = sources;
  const { architecture } = teacher;
  const found: PlannedRow[] = [];
  if (column.units !== undefined) {
    found.push(...unitRows('units', column.units, undefined));
  }
  const merged = tokensWithin(architecture, column.macs);
  if (merged !== undefined) {
    found.push({
      way: 'merging',
      what: tokensText(merged),
      column,
      make: () => Promise.resolve({ ...teacher, merged }),
    });
  }
  const both = unitsAndTokens(architecture, column, multiple);
  if (both !== undefined) found.push(...unitRows('merging+units', both.units, both.merged));
  const folded = foldedArchitecture(architecture);
  const dimensions = dimensionsWithin(folded, column.macs);
  if (dimensions !== undefined) found.push(sliced(sources, 'attention', column, dimensions));
  const evenly = evenlyWithin(folded, column.macs, multiple);
  if (evenly !== undefined) found.push(sliced(sources, 'attention+units', column, evenly));
  if (column.units !== undefined) {
    const { keySize, valueSize } = layerShapes(architecture)[0]!;
    const shape = { width: architecture.width, keySize, valueSize, hidden: column.units };
    found.push(sliced(sources, 'sliced-units', column, shape));
  }
  return found;

  function unitRows(
    way: 'units' | 'merging+units',
    width: number,
    merged: readonly number[] | undefined,
  ): PlannedRow[] {
    const what = `${width} units${merged === undefined ? '' : `, ${tokensText(merged)}`}`;
    const row = (ffns: () => Promise<readonly FfnWeights[]>) => ({
      what,
      column,
      make: async () => ({ ...withUnits(teacher, await ffns()), merged }),
    });
    const trained = distilled(width);
    return [
      { way, ...row(() => fitted(width)) },
      ...(trained === undefined ? [] : [{ way: `${way}, distilled` as const, ...row(() => trained) }]),
    ];
  }
}

function sliced({ cut }: RowSources, way: RowName, column: Column | null, shape: ModelShape): PlannedRow {
  const { keySize, valueSize, hidden } = shape;
  return {
    way,
    what: `keys ${keySize}, values ${valueSize}, ${hidden} units`,
    column,
    make: () => cut(shape),
  };
}

/** "r 8", "r 5 and 4": what goes after each attention. */
function tokensText(merged: readonly number[]): string {
  return `r ${[...new Set(merged)].join(' and ')}`;
}
