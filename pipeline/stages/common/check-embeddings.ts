import type { LoadedConfig } from '../../config/loaded.ts';
import { unitFeatures } from '../../measure/feature-loss.ts';
import { isClassifier, type Architecture } from '../../model/architecture.ts';
import { readSafetensorsHeader, readTensors } from '../../model/safetensors.ts';
import { fail } from '../../util/failure.ts';
import { showValue } from '../../util/foreign-value.ts';
import type { ModelClasses } from './classes.ts';

/**
 * The file of `teacher.textEmbeddings`, read whole: it is small, and a row that is none would be found after hours.
 * @throws BlockForgeError `config-invalid` for embeddings that fit neither the model nor the classes; `file-missing`; `file-invalid`, naming
 * the class, for a row that has no direction or that of another
 */
export async function checkEmbeddings(
  { config, file }: Pick<LoadedConfig, 'config' | 'file'>,
  architecture: Architecture,
  { names }: Pick<ModelClasses, 'names'>,
): Promise<string | undefined> {
  const path = config.teacher.textEmbeddings;
  if (path === undefined) return undefined;
  const subject = `${file}: teacher.textEmbeddings`;
  const { tensors } = await readSafetensorsHeader(path);
  const shapes = [...tensors.values()].map(({ shape }) => `[${shape.join(', ')}]`);
  const wanted = `[${names.length}, ${architecture.classes}]`;
  if (shapes.length !== 1 || shapes[0] !== wanted) {
    fail({
      reason: 'config-invalid',
      subject,
      found: `${path} with ${shapes.length === 0 ? 'no tensor' : shapes.slice(0, 4).join(', ')}`,
      expected: `one matrix ${wanted}: an embedding of each of the data's classes, in their order (${inOrder(names)}), as wide as the features`,
      ...(config.teacher.head === 'none' && {
        next: 'teacher.head: none leaves a projection out: teacher.head: projection keeps it',
      }),
    });
  }
  for (const { data } of Object.values((await readTensors(path)).tensors))
    checkRows(path, data, architecture.classes, names);
  return path;
}

/** @throws BlockForgeError `config-invalid` for embeddings of texts beside a classifier, which needs none */
export function refuseEmbeddingsOfClassifier(
  { config, file }: Pick<LoadedConfig, 'config' | 'file'>,
  architecture: Architecture,
): void {
  const { textEmbeddings, head } = config.teacher;
  if (textEmbeddings === undefined || typeof head === 'object' || !isClassifier(architecture)) return;
  fail({
    reason: 'config-invalid',
    subject: `${file}: teacher.textEmbeddings`,
    found: `a teacher with a head of ${architecture.classes}, taken for a classifier`,
    expected: 'one that answers with features',
    next: "teacher.head: projection where that head makes features (timm's CLIP towers), teacher.head: none for the features before it, or remove the embeddings",
  });
}

/** Names as messages list them in the data's order. */
export function inOrder(names: readonly string[]): string {
  const shown = names.slice(0, 12).map(showValue).join(', ');
  return names.length > 12 ? `${shown}, ...` : shown;
}

/** Rows that no feature can be nearer to than to all others, or that are as near as another. */
function checkRows(path: string, data: Float32Array, width: number, names: readonly string[]): void {
  const unit = unitFeatures(data, width);
  const seen = new Map<string, number>();
  for (const [row, name] of names.entries()) {
    const own = data.subarray(row * width, (row + 1) * width);
    const place = `row ${row} (from 0), of the class ${showValue(name)},`;
    const refuse = (found: string): never =>
      fail({
        reason: 'file-invalid',
        subject: path,
        found: `${place} ${found}`,
        expected: "an embedding of its own for each of the data's classes",
        next: 'make the embeddings again, each of another text (docs/inputs.md has the lines)',
      });
    if (!own.every(Number.isFinite)) refuse('has a number that is not finite');
    if (own.every((value) => value === 0)) refuse('has zeros only');
    // Rounded: the same direction in another length is the same.
    const direction = Int32Array.from(unit.subarray(row * width, (row + 1) * width), (value) => Math.round(value * 1e6)); // prettier-ignore
    const key = Buffer.from(direction.buffer).toString('latin1');
    const other = seen.get(key);
    if (other !== undefined) refuse(`points where row ${other}, of ${showValue(names[other])}, points`);
    seen.set(key, row);
  }
}
