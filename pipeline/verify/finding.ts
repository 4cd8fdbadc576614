import { BlockForgeError } from '../util/failure.ts';

/** What `verify` looks at, in this order; `index` and `graphs` in models alone, the last four in libraries alone. */
export const checkNames = [
  'manifest',
  'files',
  'hashes',
  'frame',
  'weights',
  'index',
  'graphs',
  'self-test',
  'kept-units',
  'ranking',
  'models',
] as const;
export type CheckName = (typeof checkNames)[number];

/** One thing that is wrong with a library or a model. */
export interface Finding {
  readonly check: CheckName;
  /** Below the folder, as the manifest names it. */
  readonly file: string;
  readonly found: string;
  readonly expected?: string;
}

/** How many things of one kind were looked at. */
export interface Check {
  readonly name: CheckName;
  readonly passed: number;
  readonly of: number;
  /** Not looked at, because what they lie in is damaged or cannot be trusted. */
  readonly skipped: number;
}

/** Something to know that is no damage. */
export interface Note {
  readonly file: string;
  readonly note: string;
}

/** All that was found out about a folder with a manifest of type M. */
export interface Verified<M> {
  readonly folder: string;
  /** Absent where it cannot be trusted: then nothing else was looked at. */
  readonly manifest?: M;
  readonly checks: readonly Check[];
  /** Everything that is wrong; empty where all is whole. */
  readonly findings: readonly Finding[];
  readonly notes: readonly Note[];
}

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly fraction: number; readonly note: string }) => void;
}

/** An expected failure as a finding: whatever else is thrown is a bug and goes on. */
export function findingOf(error: unknown, check: CheckName, file: string, full: string): Finding {
  if (!(error instanceof BlockForgeError)) throw error;
  const { subject, found, expected } = error.failure;
  // "/home/.../w0384.safetensors, tensor blocks.3.mlp.fc1.bias": the file is named already.
  const place = subject.startsWith(full) ? subject.slice(full.length).replace(/^[,:\s]+/, '') : subject;
  return {
    check,
    file,
    found: place === '' ? found : `${place}: ${found}`,
    ...(expected !== undefined && { expected }),
  };
}

/** Counts what one check has looked at while it does. */
export interface Tally {
  readonly pass: () => void;
  readonly find: (...findings: readonly Finding[]) => void;
  readonly skip: (count?: number) => void;
  readonly result: () => Check;
}

/** @param findings receives what is found */
export function tally(name: CheckName, findings: Finding[]): Tally {
  let passed = 0;
  let of = 0;
  let skipped = 0;
  return {
    pass() {
      passed++;
      of++;
    },
    find(...found) {
      findings.push(...found);
      of++;
    },
    skip(count = 1) {
      skipped += count;
      of += count;
    },
    result: () => ({ name, passed, of, skipped }),
  };
}
