import type { Preprocessing } from '../../datasets/contract.ts';
import type { SpaceData } from '../compose/space.ts';
import type { Architecture } from '../model/architecture.ts';

export const documentFile = 'demo.json';

/** A file beside the page. */
export interface DemoFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** All that the page knows of a library before it fetches weights; `describeDemo` makes it of a manifest. */
export interface DemoDocument {
  readonly kind: 'blockforge-demo';
  /** Of the library's manifest. */
  readonly manifestSha256: string;
  readonly title: string;
  readonly architecture: Architecture;
  readonly preprocessing: Preprocessing;
  readonly classNames: readonly string[] | null;
  /** Multiply-adds of the teacher on one image. */
  readonly teacherMacs: number;
  readonly frame: DemoFile;
  /** By block, widest first: the first is the teacher's own. */
  readonly blocks: readonly {
    readonly name: string;
    readonly hidden: number;
    readonly descendants: readonly { readonly id: string; readonly width: number; readonly file: DemoFile }[];
  }[];
  /** What a budget is chosen by, as `compose` chooses. */
  readonly space: SpaceData;
  /** What the run measured its models on, for people. */
  readonly measuredOn: string;
  /** Models that the run measured, with the weights that are here. */
  readonly models: readonly DemoModel[];
  readonly images: DemoImages | null;
}

export interface DemoModel {
  /** As score files name it. */
  readonly id: string;
  readonly label: string;
  /** One per block. */
  readonly descendants: readonly string[];
  readonly images: number;
  /** Percent of them on which it says what the teacher says. */
  readonly agreementPercent: number;
  /** Percent of them that it has right, where that stands in the manifest. */
  readonly top1Percent?: number | undefined;
}

/** Images of the selection split, prepared by the pipeline. */
export interface DemoImages {
  /** uint8 [count, height, width, C]. */
  readonly file: DemoFile;
  readonly count: number;
  /** Class indices. */
  readonly labels: readonly number[];
  /** Images of the whole split, of which these are the first. */
  readonly of: number;
  /** By model id, what the run measured on these very images; a digit per image, 1 where it holds. */
  readonly scores: Readonly<Record<string, { readonly agree: string; readonly correct: string }>>;
}
