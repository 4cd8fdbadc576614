import type { DemoDocument } from '../demo-document.ts';
import type { Switch } from '../../runtime/running-model.ts';

/** The engines that a page may choose from; `auto` is the page's own choice. */
export const backendNames = ['wasm', 'webgpu', 'webgl'] as const;
export type BackendName = (typeof backendNames)[number];

/** What the page asks of the thread that computes, and what it is answered. */
export interface Requests {
  /** Once, first. Fetches the frame. */
  start: {
    given: { document: DemoDocument; base: string; backend: BackendName | 'auto' };
    answer: Started;
  };
  /** Changes to these descendants; with `teacher`, the teacher's own blocks are held, too. */
  use: { given: { descendants: readonly string[]; teacher: boolean }; answer: Used };
  /** Fetches blocks before they are needed. */
  fetch: { given: { ids: readonly string[] }; answer: { readonly fetchedBytes: number } };
  predict: { given: { image: Picture | { sample: number }; teacher: boolean }; answer: Predicted };
  /** The model in use on some of the document's images: few, as nothing else is done meanwhile. */
  measure: { given: { from: number; to: number }; answer: MeasuredHere };
}

export interface Started {
  readonly backend: BackendName;
  /** For people. */
  readonly description: string;
  /** Whether the contents of files are checked against their SHA-256. */
  readonly hashes: boolean;
}

export interface Used {
  readonly exchange: Switch;
  /** Of `milliseconds` how much was waiting for files; 0 where all had been fetched before. */
  readonly fetchMs: number;
  readonly fetchedBytes: number;
  /** Weights in use, and those held for the teacher beside them. */
  readonly memoryBytes: number;
  readonly teacherBytes: number;
}

/** 8-bit pixels of a canvas, RGBA. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface Predicted {
  readonly descendants: readonly string[];
  /** Most likely first. */
  readonly classes: readonly { readonly index: number; readonly probability: number }[];
  /** From prepared pixels to logits on the host. */
  readonly milliseconds: number;
  readonly teacherClass: number | undefined;
  /** What the model sees: uint8 [height, width, C]. */
  readonly seen: Uint8Array<ArrayBuffer>;
}

export interface MeasuredHere {
  readonly descendants: readonly string[];
  /** A digit per image, as in `DemoImages.scores`. */
  readonly agree: string;
  readonly correct: string;
}

export type Request = {
  [Kind in keyof Requests]: {
    readonly id: number;
    readonly kind: Kind;
    readonly given: Requests[Kind]['given'];
  };
}[keyof Requests];

export type Reply =
  | { readonly id: number; readonly answer: Requests[keyof Requests]['answer'] }
  | { readonly id: number; readonly problem: string };
