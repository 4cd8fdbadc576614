import type { TopLevelSpec } from 'vega-lite';
import type { SpaceData } from '../compose/space.ts';

/**
 * What a report says, as data: a method makes it from a run folder (`Method.report`), `render-page.ts` draws it. All text is plain;
 * whoever draws it escapes it.
 */
export interface ReportPage {
  /** Of the window and the first heading, e.g. the run's name. */
  readonly title: string;
  /** What came of it, in one to three plain sentences with their numbers. */
  readonly headline: readonly string[];
  /** What was run: teacher, data, splits, engine, seed, time. */
  readonly facts: readonly Fact[];
  readonly sections: readonly Section[];
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface Section {
  /** Of the link to it, e.g. `library`. */
  readonly id: string;
  readonly title: string;
  /** What is to be seen here and how it was measured, in a sentence or two. */
  readonly lead?: string | undefined;
  readonly parts: readonly Part[];
}

export type Part = TextPart | NoticesPart | TablePart | ChartPart | HeatMapPart | GalleryPart | BudgetPart;

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
}

/** Warnings and gates. */
export interface NoticesPart {
  readonly kind: 'notices';
  readonly notices: readonly {
    readonly level: 'good' | 'note' | 'warning' | 'failure';
    readonly text: string;
  }[];
}

export interface TablePart {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** Readers can sort by every column, and keep the rows that hold some text. */
  readonly interactive?: boolean | undefined;
}

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right' | undefined;
  /** What it is, in a sentence: shown where it is pointed at. */
  readonly about?: string | undefined;
}

export interface Cell {
  readonly text: string;
  /** What it is sorted by; default: the text. */
  readonly value?: number | string | undefined;
  readonly tone?: 'good' | 'bad' | 'weak' | undefined;
  /** In a row's first cell: the descendant it is of, for the budget to mark what it chose. */
  readonly id?: string | undefined;
}

/** One chart. Its colours come from the page (`chart-theme.ts`), its size from where it stands. */
export interface ChartPart {
  readonly kind: 'chart';
  readonly title: string;
  /** What is to be seen, for who does not see it: a sentence with the numbers that matter. */
  readonly alternative: string;
  /** Vega-Lite without width, height and config. A mark's text when pointed at is its `description` channel. */
  readonly spec: ChartSpec;
  /** The same numbers as a table, folded away. */
  readonly numbers?: TablePart | undefined;
  /** Where the model that the budget chooses is drawn: fields of x and y, for charts of cost against loss. */
  readonly chosen?: { readonly x: 'params' | 'macs' | 'sizeBytes' | 'latencyMs' } | undefined;
}

export type ChartSpec = TopLevelSpec;

/** Rows x columns, coloured by value; a table for who does not see it. */
export interface HeatMapPart {
  readonly kind: 'heat-map';
  readonly caption: string;
  /** e.g. "block". */
  readonly corner: string;
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly title: string;
    readonly cells: readonly (HeatCell | null)[];
  }[];
  /**
   * What the colours mean: `loss` from nothing (pale) to the worst; `share` from 0 to the largest; `change` from nothing (pale) to
   * worse above zero and to better below it, the farthest of all the darkest.
   */
  readonly scale: 'loss' | 'share' | 'change';
}

export interface HeatCell {
  readonly text: string;
  readonly value: number;
  /** When pointed at: with its interval. */
  readonly hover: string;
  /** Descendant id, for the budget to mark what it chose. */
  readonly id?: string | undefined;
  /** Without a colour, and apart from what the others are measured by: the diagonal of a confusion. */
  readonly plain?: boolean | undefined;
}

export interface GalleryPart {
  readonly kind: 'gallery';
  readonly caption: string;
  readonly images: readonly {
    /** `data:image/...;base64,...` */
    readonly source: string;
    readonly alternative: string;
    /** Below it, a line each. */
    readonly lines: readonly string[];
  }[];
}

/** A budget that readers set, and the composition that `compose` would choose for it. */
export interface BudgetPart {
  readonly kind: 'budget';
  readonly space: SpaceData;
  /** For the command that makes the model: the library's path from the report. */
  readonly library: string;
  /** The device profile that the space's latencies are of, by the name that `compose --profile` knows; default: the run's own. */
  readonly profile?: string | undefined;
  /** Percent of the images that the teacher has right by what the space's loss is of, to show what is left. */
  readonly teacherTop1Percent: number;
}
