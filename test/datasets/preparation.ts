import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Preprocessing } from '../../datasets/contract.ts';

/** Where photos lie, how they are prepared, and what the Python sample of the README makes of them; see its `make.py`. */
export const preparationFolder = join(import.meta.dirname, '../fixtures/preparation');

export interface PreparationCase {
  readonly name: string;
  readonly photo: string;
  readonly preset?: string | undefined;
  readonly preprocessing: Preprocessing;
}

export function preparationCases(): readonly PreparationCase[] {
  return JSON.parse(readFileSync(join(preparationFolder, 'cases.json'), 'utf8')) as PreparationCase[];
}

/** Input tensors by case, `channels x height x width`. */
export function readTensors(path: string): ReadonlyMap<string, Float32Array> {
  const encoded = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  return new Map(
    Object.entries(encoded).map(([name, text]) => {
      const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
      return [name, new Float32Array(bytes.buffer)];
    }),
  );
}
