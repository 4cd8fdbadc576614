import { basename, isAbsolute } from 'node:path';
import type { Json } from '../util/hash.ts';

/** Absolute paths mean nothing on another machine and tell where this one keeps its files: the last part stays. */
export function withoutFolders(value: Json): Json {
  if (typeof value === 'string') return isAbsolute(value) ? basename(value) : value;
  if (Array.isArray(value)) return value.map((item) => withoutFolders(item as Json));
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutFolders(member as Json)]));
}
