/**
 * The value of a key that is known to be in the map, e.g. because the same code put it there.
 * @throws Error naming the key: a mistake of ours, not of who calls
 */
export function known<K, V>(map: Pick<ReadonlyMap<K, V>, 'get'>, key: K): NonNullable<V> {
  const value = map.get(key);
  if (value === undefined || value === null) throw new Error(`nothing is known of ${String(key)}`);
  return value;
}
