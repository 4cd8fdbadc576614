import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { blockName } from '../model/architecture.ts';
import { withSafetensors, writeSafetensors, type NamedArrays } from '../model/safetensors.ts';
import type { EvidenceState } from './evidence.ts';
import { readJson, writeJsonAtomic } from '../util/atomic.ts';

/** How far a calibration pass has come. */
export interface PassProgress {
  /** Training images done. */
  readonly image: number;
}

/** Of an `EvidenceState`: numbers and arrays by name. */
type Part = Readonly<Record<string, Float32Array | Float64Array | number | undefined>>;

const stateFile = (block: number) => `${blockName(block)}.state.safetensors`;
const progressFile = 'progress.json';

/** Keeps the evidence so far, a file per block. The progress goes last: it names what the files are the state of. */
export async function saveEvidence(
  folder: string,
  states: readonly EvidenceState[],
  progress: PassProgress,
): Promise<void> {
  await rm(join(folder, progressFile), { force: true });
  for (const [block, state] of states.entries()) {
    const arrays: NamedArrays = {};
    const numbers: Record<string, string> = {};
    for (const [part, values] of Object.entries(state) as [string, Part | undefined][]) {
      for (const [name, value] of Object.entries(values ?? {})) {
        if (value === undefined) continue;
        if (typeof value === 'number') numbers[`${part}/${name}`] = String(value);
        else arrays[`${part}/${name}`] = { shape: [value.length], data: value };
      }
    }
    await writeSafetensors(join(folder, stateFile(block)), arrays, numbers);
  }
  await writeJsonAtomic(join(folder, progressFile), progress);
}

/** What `saveEvidence` kept of `depth` blocks; undefined where nothing whole is there. */
export async function loadEvidence(
  folder: string,
  depth: number,
): Promise<{ readonly states: readonly EvidenceState[]; readonly progress: PassProgress } | undefined> {
  const path = join(folder, progressFile);
  if (!existsSync(path)) return undefined;
  const states: EvidenceState[] = [];
  for (let block = 0; block < depth; block++) {
    const state: Record<string, Record<string, unknown>> = {};
    const put = (key: string, value: unknown): void => {
      const [part, name] = key.split('/') as [string, string];
      (state[part] ??= {})[name] = value;
    };
    await withSafetensors(join(folder, stateFile(block)), async (file) => {
      for (const [key, value] of Object.entries(file.metadata)) put(key, Number(value));
      for (const key of file.names) put(key, await file.readTyped(key));
    });
    states.push(state as unknown as EvidenceState);
  }
  return { states, progress: await readJson<PassProgress>(path) };
}
