import { join } from 'node:path';
import type { Job, JobContext } from '../../../../pipeline/runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../../pipeline/util/atomic.ts';
import type { Json } from '../../../../pipeline/util/hash.ts';
import type { Part } from './part.ts';

export type VoteSettings = { readonly parts: readonly string[] };

export async function run({ settings }: Job<VoteSettings>, context: JobContext): Promise<Json> {
  const { parts } = settings;
  const read = await Promise.all(parts.map((id) => readJson<Part>(join(context.input(id), 'part.json'))));
  const total = (of: keyof Part) => read.reduce((sum, part) => sum + part[of], 0);
  const vote = { images: total('images'), correct: total('correct') };
  await writeJsonAtomic(join(context.folder, 'vote.json'), vote);
  return vote;
}
