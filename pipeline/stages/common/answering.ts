import type { LoadedConfig } from '../../config/loaded.ts';
import type { InspectOptions } from '../../checkpoint/inspect-options.ts';
import type { Config } from '../../config/schema.ts';
import type { MeasureKind } from '../../measure/measure-names.ts';
import { isClassifier, type Architecture } from '../../model/architecture.ts';
import { readSafetensorsHeader } from '../../model/safetensors.ts';
import { fail } from '../../util/failure.ts';
import type { ModelClasses } from './classes.ts';

/** How a checkpoint is read whose head is told. */
export function headReading(
  head: Config['teacher']['head'] | object,
): Pick<InspectOptions, 'headless' | 'projects'> {
  return head === 'projection' ? { projects: true } : { headless: head !== undefined };
}

/** The teacher with the answer that the run measures: of the used classes, of a head that is fitted here, or features. */
export function answering(
  found: Architecture,
  { head }: Config['teacher'],
  { names }: Pick<ModelClasses, 'names'>,
): Architecture {
  if (isClassifier(found)) return { ...found, classes: names.length };
  if (typeof head !== 'object') return found;
  return { ...found, answer: undefined, classes: names.length };
}

/** What the models of a run are measured by. */
export function measureKindOf({
  architecture,
  inputs,
}: {
  readonly architecture: Architecture;
  readonly inputs: { readonly textEmbeddings?: unknown };
}): MeasureKind {
  if (isClassifier(architecture)) return 'classes';
  return inputs.textEmbeddings === undefined ? 'k-nn' : 'zero-shot';
}

/** @throws BlockForgeError `config-invalid` for embeddings that fit neither the model nor the classes; `file-missing`, `file-invalid` */
export async function checkEmbeddings(
  { config, file }: Pick<LoadedConfig, 'config' | 'file'>,
  architecture: Architecture,
  { names }: Pick<ModelClasses, 'names'>,
): Promise<string | undefined> {
  const path = config.teacher.textEmbeddings;
  if (path === undefined) return undefined;
  const subject = `${file}: teacher.textEmbeddings`;
  if (isClassifier(architecture)) {
    return fail({
      reason: 'config-invalid',
      subject,
      found: 'a teacher with a classifier',
      expected: 'one that answers with features',
      next: 'remove it, or write teacher.head: none (features before the head), or projection where that head is no classifier',
    });
  }
  const { tensors } = await readSafetensorsHeader(path);
  const shapes = [...tensors.values()].map(({ shape }) => `[${shape.join(', ')}]`);
  const wanted = `[${names.length}, ${architecture.classes}]`;
  if (shapes.length === 1 && shapes[0] === wanted) return path;
  return fail({
    reason: 'config-invalid',
    subject,
    found: `${path} with ${shapes.length === 0 ? 'no tensor' : shapes.slice(0, 4).join(', ')}`,
    expected: `one matrix ${wanted}: an embedding of each of the data's classes, in their order, as wide as the features`,
    ...(config.teacher.head === 'none' && {
      next: 'teacher.head: none leaves a projection out: teacher.head: projection keeps it',
    }),
  });
}
