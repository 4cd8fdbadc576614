import { existsSync } from 'node:fs';
import { scoresFromArrays, scoresToArrays, type Scores } from '../../pipeline/measure/scores.ts';
import { withSafetensors, writeSafetensors } from '../../pipeline/model/safetensors.ts';
import type { ModelResult } from './run-recipe.ts';
import { known } from '../../pipeline/util/known.ts';

/** What one recipe gave on one fold of one seed after one number of distillation steps, per image. */
export interface StoredRun {
  readonly seed: number;
  readonly fold: number;
  readonly recipe: string;
  /** Of the evaluation images, in the order of all scores. */
  readonly ids: readonly string[];
  readonly calibrationImages: number;
  readonly teacher: Scores;
  readonly models: readonly ModelResult[];
}

const nameOf = (index: number): string => `model-${index}`;

/** Written beside its place and renamed: a file that is there is whole. */
export async function writeRun(path: string, run: StoredRun): Promise<void> {
  const { teacher, models, ...rest } = run;
  const scores = new Map([
    ['teacher', teacher] as const,
    ...models.map((model, index) => [nameOf(index), model.scores] as const),
  ]);
  const described = models.map(({ scores: _, ...model }) => model);
  await writeSafetensors(path, scoresToArrays(scores), {
    run: JSON.stringify({ ...rest, models: described }),
  });
}

/** undefined where there is none. */
export async function readRun(path: string): Promise<StoredRun | undefined> {
  if (!existsSync(path)) return undefined;
  return withSafetensors(path, async (file) => {
    const arrays: Record<string, Uint8Array | Float32Array> = {};
    for (const name of file.names) arrays[name] = (await file.readTyped(name)) as Uint8Array | Float32Array;
    const scores = scoresFromArrays(arrays);
    const run = JSON.parse(file.metadata['run']!) as Omit<StoredRun, 'teacher' | 'models'> & {
      models: Omit<ModelResult, 'scores'>[];
    };
    return {
      ...run,
      teacher: known(scores, 'teacher'),
      models: run.models.map((model, index) => ({ ...model, scores: known(scores, nameOf(index)) })),
    };
  });
}
