import { fail } from '../util/failure.ts';
import { isRecord, showValue } from '../util/foreign-value.ts';
import { imageSizeOf, type ImageSize } from '../model/architecture.ts';
import type { FieldTable } from './field-table.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A JSON object beside the weights, or one inside such a file: `prefix` is then `pretrained_cfg.` or `model_args.`. */
export interface Document {
  readonly path: string;
  readonly prefix: string;
  readonly table: FieldTable;
  readonly fields: Fields;
}

/**
 * What is wrong with one field, by file and field, and both ways out; of how images are prepared there is another, which
 * whoever relies on it tells (`data.preprocessing`): without the field it would be guessed.
 */
export function refuseField(
  document: Document,
  field: string,
  expected: string,
  found?: string,
  next = document.table.isOfImages === true ? 'correct the file' : ignoring(document, field),
): never {
  return fail({
    reason: 'checkpoint-unsupported',
    subject: document.path,
    found: found ?? `${document.prefix}${field} ${showValue(document.fields[field])}`,
    expected,
    next,
  });
}

function ignoring({ prefix }: Document, field: string): string {
  return `correct the file, or, where the field is wrong and the weights are right, teacher.hints: { ignoreFields: [${prefix}${field}] }`;
}

/** null says nothing, like an absent field. */
export function valueOf({ fields }: Document, field: string): unknown {
  return Object.hasOwn(fields, field) ? (fields[field] ?? undefined) : undefined;
}

/** @throws BlockForgeError where the field is there and not a number above 0, like all of these */
export function positiveOf(document: Document, field: string): number | undefined {
  const value = valueOf(document, field);
  if (value === undefined || isPositive(value)) return value;
  return refuseField(document, field, 'a number above 0');
}

/** @throws BlockForgeError where the field is there and not true or false */
export function flagOf(document: Document, field: string): boolean | undefined {
  const value = valueOf(document, field);
  if (value === undefined || typeof value === 'boolean') return value;
  return refuseField(document, field, 'true or false');
}

/** @throws BlockForgeError where the field is there and no key of `meanings` */
export function meaningOf<T>(
  document: Document,
  field: string,
  meanings: Readonly<Record<string, T>>,
): T | undefined {
  const value = valueOf(document, field);
  if (value === undefined) return undefined;
  if ((typeof value === 'string' || typeof value === 'number') && Object.hasOwn(meanings, value)) {
    return meanings[value];
  }
  return refuseField(document, field, `one of ${Object.keys(meanings).join(', ')}`);
}

/** `{...}` inside a document; undefined where it is not there. @throws BlockForgeError for anything else */
export function fieldsOf(document: Document, field: string): Fields | undefined {
  const value = valueOf(document, field);
  if (value === undefined || isRecord(value)) return value;
  return refuseField(document, field, 'an object');
}

/** A number, [height, width] or `{height, width}`; undefined where it is anything else. */
export function sizeIn(value: unknown): ImageSize | undefined {
  if (isSide(value)) return value;
  const [height, width] = Array.isArray(value)
    ? value.length === 2
      ? (value as unknown[])
      : []
    : isRecord(value) && Object.keys(value).every((key) => key === 'height' || key === 'width')
      ? [value.height, value.width]
      : [];
  return isSide(height) && isSide(width) ? imageSizeOf({ height, width }) : undefined;
}

/** @throws BlockForgeError where the field is there and no size */
export function sizeOf(document: Document, field: string): ImageSize | undefined {
  const value = valueOf(document, field);
  if (value === undefined) return undefined;
  return sizeIn(value) ?? refuseField(document, field, 'a number of pixels, or [height, width]');
}

/** timm's `input_size`: [channels, height, width]. @throws BlockForgeError where it is anything else */
export function sizeIn3(document: Document, field: string): ImageSize | undefined {
  const value = valueOf(document, field);
  if (value === undefined) return undefined;
  const size = Array.isArray(value) && value.length === 3 ? sizeIn(value.slice(1)) : undefined;
  const expected = '[channels, height, width]';
  return size ?? refuseField(document, field, expected, undefined, ignoring(document, field));
}

export function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isSide(value: unknown): value is number {
  return isPositive(value) && Number.isInteger(value) && value <= 65_536;
}
