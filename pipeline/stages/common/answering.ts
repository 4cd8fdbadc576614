import type { InspectOptions } from '../../checkpoint/inspect-options.ts';
import type { Config } from '../../config/schema.ts';
import type { MeasureKind } from '../../measure/measure-names.ts';
import { isClassifier, type Architecture } from '../../model/architecture.ts';
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
