import type { EngineChoice } from '../tensor/installed.ts';
import { BlockForgeError } from '../util/failure.ts';

/** What `verify` looks at, in this order; every kind of folder has some of them. */
export const checkNames = [
  'manifest',
  'files',
  'hashes',
  'frame',
  'weights',
  'submodels',
  'fusion',
  'index',
  'graphs',
  'self-test',
  'kept-units',
  'ranking',
  'models',
  'links',
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
  /** What computes outputs, where a folder has whole models to compute. Default: auto. */
  readonly engine?: EngineChoice | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { readonly fraction: number; readonly note: string }) => void;
}

/** What is wrong with one file; the check that finds it adds its name. */
export type Found = Omit<Finding, 'check'>;
export type Wrong = Omit<Found, 'file'>;

/** An expected failure as what was found: whatever else is thrown is a bug and goes on. */
export function foundIn(file: string, full: string, error: unknown): Found {
  if (!(error instanceof BlockForgeError)) throw error;
  const { subject, found, expected } = error.failure;
  // "/home/.../w0384.safetensors, tensor blocks.3.mlp.fc1.bias": the file is named already.
  const place = subject.startsWith(full) ? subject.slice(full.length).replace(/^[,:\s]+/, '') : subject;
  return {
    file,
    found: place === '' ? found : `${place}: ${found}`,
    ...(expected !== undefined && { expected }),
  };
}

/** Counts what one check has looked at while it does. */
export interface Tally {
  readonly pass: () => void;
  readonly find: (...found: readonly Found[]) => void;
  readonly skip: () => void;
  /** Skips a file that is known to be damaged; else passes it, or finds what `problem` says of it. */
  readonly look: (file: string, problem: () => Promise<Wrong | undefined>) => Promise<void>;
  /** Skips alike; else passes what `work` gives, or finds why it failed. @returns what it gave */
  readonly read: <T>(file: string, full: string, work: () => Promise<T>) => Promise<T | undefined>;
  readonly result: () => Check;
}

/**
 * @param findings receives what is found
 * @param damaged paths of files that are known to be damaged: nothing more is said of them
 */
export function tally(name: CheckName, findings: Finding[], damaged: ReadonlySet<string> = new Set()): Tally {
  let [passed, of, skipped] = [0, 0, 0];
  const own: Tally = {
    pass() {
      passed++;
      of++;
    },
    find(...found) {
      findings.push(...found.map((item) => ({ check: name, ...item })));
      of++;
    },
    skip() {
      skipped++;
      of++;
    },
    async look(file, problem) {
      const isDamaged = damaged.has(file);
      const wrong = isDamaged ? undefined : await problem();
      if (isDamaged) own.skip();
      else if (wrong === undefined) own.pass();
      else own.find({ file, ...wrong });
    },
    async read(file, full, work) {
      if (damaged.has(file)) {
        own.skip();
        return undefined;
      }
      try {
        const value = await work();
        own.pass();
        return value;
      } catch (error) {
        own.find(foundIn(file, full, error));
        return undefined;
      }
    },
    result: () => ({ name, passed, of, skipped }),
  };
  return own;
}
