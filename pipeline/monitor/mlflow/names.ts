import type { Pair } from './client.ts';

/**
 * MLflow's limits (mlflow/utils/validation.py): what is longer is cut, what is more is sent in further batches. A key is
 * a path there: no empty or upward part.
 */
export const limits = {
  keyLength: 250,
  paramLength: 6000,
  tagLength: 5000,
  pairsPerBatch: 100,
  metricsPerBatch: 1000,
  /** Of its 1 MB. */
  batchBytes: 900_000,
} as const;

export function keyOf(text: string): string {
  const parts = text
    .replace(/[^/\w. -]/g, '_')
    .split('/')
    .map((part) => (/^\.*$/.test(part) ? part.replaceAll('.', '_') : part))
    .filter((part) => part !== '');
  return parts.join('/').slice(0, limits.keyLength).replace(/\/+$/, '') || '_';
}

/** Every setting of a config as a parameter, `distill.duration.steps`; lists are JSON. */
export function paramsOf(config: Readonly<Record<string, unknown>>): Pair[] {
  const pairs = new Map<string, string>();
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, inner);
      return;
    }
    if (value === undefined) return;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const key = keyOf(path);
    if (!pairs.has(key)) pairs.set(key, cut(text, limits.paramLength));
  };
  walk('', config);
  return [...pairs].map(([key, value]) => ({ key, value }));
}

export function tagsOf(values: Readonly<Record<string, string | undefined>>): Pair[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key: keyOf(key), value: cut(value, limits.tagLength) }],
  );
}

/** In order, each with so many items and bytes at most. */
export function batchesOf<T>(items: readonly T[], most: number): T[][] {
  const batches: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const own = Buffer.byteLength(JSON.stringify(item)) + 1;
    const last = batches.at(-1);
    if (last === undefined || last.length >= most || bytes + own > limits.batchBytes) {
      batches.push([item]);
      bytes = own;
    } else {
      last.push(item);
      bytes += own;
    }
  }
  return batches;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}
