import { fail } from '../util/failure.ts';
import { showValue } from '../util/foreign-value.ts';
import { extentOf, imageSizeText, isSameSize, patchGrid, type Architecture } from '../model/architecture.ts';
import { refuseField, sizeIn, valueOf, type Document } from './document.ts';
import type { FieldTable, WeightFact } from './field-table.ts';
import { fieldTables } from './fields.ts';

const transformersTables: readonly FieldTable[] = Object.values(fieldTables).filter(
  (table) => table !== fieldTables.timmConfig,
);

/**
 * Refuses what no row of the document's table names, and what has another value than the only ones.
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function checkKnown(document: Document): void {
  const { path, prefix, table, fields } = document;
  checkModelType(document);
  const rows = [table.used, table.agrees, table.shown, table.only];
  const isKnown = (field: string): boolean =>
    table.harmless.includes(field) || rows.some((row) => Object.hasOwn(row, field));
  const unknown = Object.keys(fields).filter(
    (field) => valueOf(document, field) !== undefined && !isKnown(field),
  );
  if (unknown.length > 0) {
    const names = unknown.map((field) => `${prefix}${field}`);
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: `${unknown.length === 1 ? 'a field' : 'fields'} of which nothing is known here: ${unknown
        .slice(0, 8)
        .map((field) => `${prefix}${field} ${showValue(fields[field])}`)
        .join(', ')}`,
      expected:
        'no field that may change what the model computes or sees (docs/teacher-fields.md lists the known ones)',
      next: `if you know that the model's answers do not depend on ${unknown.length === 1 ? 'it' : 'them'}: teacher.hints: { ignoreFields: [${names.join(', ')}] }`,
    });
  }
  for (const [field, values] of Object.entries(table.only)) {
    const value = valueOf(document, field);
    const text = JSON.stringify(value);
    if (value === undefined || values.some((allowed) => JSON.stringify(allowed) === text)) continue;
    const allowed = values.map((item) => JSON.stringify(item)).join(' or ');
    refuseField(document, field, values.length === 0 ? 'no such field, or null' : allowed);
  }
}

/** Before the fields, of which another model has others: the reason is the model. */
function checkModelType(document: Document): void {
  const { prefix, table } = document;
  const found = valueOf(document, 'model_type');
  // timm's own model is told by another field.
  if (found === undefined || !transformersTables.includes(table)) return;
  const own = table.only.model_type ?? [];
  if (own.length === 0 || own.includes(found)) return;
  // Of a whole file it chooses the table.
  const types = prefix === '' ? transformersTables.flatMap(({ only }) => only.model_type ?? []) : own;
  refuseField(
    document,
    'model_type',
    types.map((type) => JSON.stringify(type)).join(', '),
    undefined,
    'where the model computes what one of these does (as those of vit_msn, ijepa and chinese_clip_vision_model do), take config.json away from the weights: names and shapes are then read, and teacher.hints tell the rest',
  );
}

/**
 * Refuses what contradicts the weights.
 * @param architecture of the weights; whether their positions have none for the class token; whether the user chose the size of the
 * images, of a model that has no positions of one size
 * @param names of the stored tensors
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function checkAgainstWeights(
  document: Document,
  architecture: Architecture & { readonly isClassTokenUnplaced: boolean; readonly isSizeChosen?: boolean },
  names: readonly string[],
): void {
  const { table, prefix } = document;
  for (const [field, fact] of Object.entries(table.agrees)) {
    const value = valueOf(document, field);
    const expected = told(fact, architecture, value);
    if (value !== undefined && expected !== undefined) refuseField(document, field, expected);
  }
  for (const [field, pattern] of Object.entries(table.shown)) {
    const value = valueOf(document, field);
    if (value === undefined) continue;
    const example = names.find((name) => pattern.test(name));
    const says = value !== false && value !== 0;
    if (says === (example !== undefined)) continue;
    const weights = example === undefined ? 'no such tensor' : `the tensor ${example}`;
    refuseField(document, field, `what the weights say, which have ${weights}`);
  }
  for (const field of ['img_size', 'image_size']) {
    if (!Object.hasOwn(table.used, field) || architecture.isSizeChosen === true) continue;
    const value = valueOf(document, field);
    const size = sizeIn(value);
    const { imageSize, patchSize } = architecture;
    if (value === undefined || (size !== undefined && isSameSize(size, imageSize))) continue;
    const divided = size === undefined || patchGrid(size, patchSize) !== null;
    if (!divided) {
      const again = `models that see a part of their images are not supported: save it again with ${field} ${imageSizeText(imageSize)}, for images of that size`;
      refuseField(
        document,
        field,
        `a multiple of ${patchSize}, the pixels of a patch`,
        `${prefix}${field} ${showValue(value)}, of which the patches cover ${imageSizeText(imageSize)}`,
        again,
      );
    }
    refuseField(
      document,
      field,
      `${imageSizeText(imageSize)}, whose positions the weights have (they are not interpolated)`,
    );
  }
}

/** What the weights say instead; undefined where they agree. */
function told(
  fact: WeightFact,
  architecture: Parameters<typeof checkAgainstWeights>[1],
  value: unknown,
): string | undefined {
  const { width, hidden, patchSize, channels, stages } = architecture;
  switch (fact) {
    case 'patchSize':
      return sizeIn(value) === patchSize ? undefined : `${patchSize}, as the weights have it`;
    case 'mlpRatio':
      return typeof value === 'number' && Math.trunc(width * value) === hidden
        ? undefined
        : `${hidden / width}: the weights have ${hidden} hidden units at a width of ${width}`;
    case 'firstWidth':
      return same(value, stages?.[0]?.width);
    case 'depths':
      return same(
        value,
        stages?.map(({ depth }) => depth),
      );
    case 'stageHeads':
      return same(
        value,
        stages?.map(({ heads }) => heads),
      );
    case 'stageCount':
      return same(value, stages?.length);
    case 'classes':
      // Without a head the weights tell nothing of its outputs.
      return architecture.answer === 'pooled' ? undefined : same(value, architecture.classes);
    case 'isClassTokenUnplaced': {
      const { classToken, registers, rotary, relativePositionBias } = architecture;
      const isAlone = classToken === false && registers === undefined;
      if (isAlone || rotary === true || relativePositionBias === true) return undefined;
      return same(value, architecture.isClassTokenUnplaced);
    }
    case 'window': {
      // One window has all tokens where it would be larger.
      const side = extentOf(architecture.imageSize).height / patchSize;
      const size = sizeIn(value);
      return typeof size === 'number' && Math.min(size, side) === architecture.window
        ? undefined
        : `${architecture.window}, as the weights have it`;
    }
    case 'gated':
      return same(value, architecture.gated === true);
    case 'registers':
      return same(value, architecture.registers ?? 0);
    case 'channels':
      return value === channels ? undefined : `${channels}, as the weights have it`;
    default:
      return value === architecture[fact]
        ? undefined
        : `${String(architecture[fact])}, as the weights have it`;
  }
}

function same(value: unknown, expected: unknown): string | undefined {
  const text = JSON.stringify(expected);
  return JSON.stringify(value) === text ? undefined : `${text}, as the weights have it`;
}
