import { z } from 'zod';
import { readJson, writeFileAtomic } from '../util/atomic.ts';
import { BlockForgeError } from '../util/failure.ts';

/** Written by the last job of every method, beside `report.json`. */
export const answersFile = 'answers.json';

/** What models said of every image of a split, in the split's order: its classes as places among the data's. */
export interface Answers {
  readonly kind: 'blockforge-answers';
  /** Of the split, `SplitFile.sha256`. */
  readonly split: string;
  readonly labels: readonly number[];
  /** By model; -1 where a model was not asked. */
  readonly models: Readonly<Record<string, readonly number[]>>;
}

const schema = z.object({
  kind: z.literal('blockforge-answers'),
  split: z.string(),
  labels: z.array(z.int()),
  models: z.record(z.string(), z.array(z.int())),
});

/** On one line: as many numbers as images times models. */
export async function writeAnswers(path: string, answers: Omit<Answers, 'kind'>): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify({ kind: 'blockforge-answers', ...answers })}\n`);
}

/** @returns undefined where there are none, or what lies there is not whole */
export async function readAnswers(path: string): Promise<Answers | undefined> {
  try {
    const parsed = schema.safeParse(await readJson(path));
    const isWhole = (found: Answers) =>
      Object.values(found.models).every(({ length }) => length === found.labels.length);
    return parsed.success && isWhole(parsed.data) ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof BlockForgeError) return undefined;
    throw error;
  }
}
