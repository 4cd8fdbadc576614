import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../util/atomic.ts';
import { BlockForgeError } from '../util/failure.ts';

/** Beside `answersFile`, with the images themselves. */
export const examplesFile = 'examples.json';

const share = z.number().min(0).max(1);
/** A place among the data's classes. */
const place = z.int().min(0);

const example = z.object({
  /** Its place in the split. */
  image: z.int().min(0),
  /** Of its picture, beside this file; WebP. */
  file: z.string().regex(/^[\w-]+\.webp$/, 'expected the name of a WebP file'),
  label: place,
  /** What each said: its class, that class's probability, and the label's. */
  teacher: z.object({ class: place, probability: share, labelProbability: share }),
  model: z.object({ class: place, probability: share, labelProbability: share }),
});

const schema = z.object({
  kind: z.literal('blockforge-examples'),
  /** Key in `Answers.models`. */
  model: z.string(),
  /** What the teacher has right and the model wrong. */
  lost: z.object({ images: z.int().min(0), shown: z.array(example) }),
  /** The reverse. */
  gained: z.object({ images: z.int().min(0), shown: z.array(example) }),
});

/** Images that a small model and its teacher answer differently, one of them rightly: how many, and some of them. */
export type Examples = z.infer<typeof schema>;
export type Example = z.infer<typeof example>;

export async function writeExamples(path: string, examples: Omit<Examples, 'kind'>): Promise<void> {
  await writeJsonAtomic(path, { kind: 'blockforge-examples', ...examples });
}

/** @returns undefined where there are none, or what lies there is not whole */
export async function readExamples(path: string): Promise<Examples | undefined> {
  try {
    const parsed = schema.safeParse(await readJson(path));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof BlockForgeError) return undefined;
    throw error;
  }
}
