import { refuseField, valueOf, type Document } from './document.ts';

/**
 * A mean or deviation: a number, or one for each channel.
 * @throws BlockForgeError `checkpoint-unsupported` for anything else
 */
export function statisticsOf(
  document: Document,
  field: string,
  channels: 1 | 3,
): readonly number[] | undefined {
  const value = valueOf(document, field);
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isDeviation = field.endsWith('std');
  const fits = (item: unknown): item is number =>
    typeof item === 'number' && Number.isFinite(item) && (!isDeviation || item > 0);
  if ((list.length === 1 || list.length === channels) && list.every(fits)) return list;
  return refuseField(
    document,
    field,
    `${channels === 1 ? 'one number' : 'one number, or one for each of 3 channels'}${isDeviation ? ', above 0' : ''}`,
  );
}
