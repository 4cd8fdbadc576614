const longest = 80;

/**
 * A value from somebody's file in a message: short and on one line, whatever it is. Never walks into it: a hostile one
 * is nested a hundred thousand levels deep, or holds the whole file.
 */
export function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return cut(JSON.stringify(value.slice(0, longest + 1)));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (!Array.isArray(value)) return 'an object';
  const plain = value.length <= 16 && value.every((item) => typeof item !== 'object' || item === null);
  return plain ? cut(`[${value.map(showValue).join(', ')}]`) : `a list of ${value.length}`;
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}

/** An object of somebody else's JSON, not null and no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
