/**
 * Whether two libraries hold the same numbers, e.g. one made before a change of the code and one made after it:
 *
 *     npx tsx test/support/compare-libraries.ts runs/before/library runs/after/library
 *
 * Prints every difference of their manifests and of the hashes in them, but for what differs between two runs of the same
 * code: times, what is ranked by them, the tool's version, and keys that only the newer one has. Exit code 1 where any is left.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** By path. */
const ignored: readonly RegExp[] = [
  /^tool\b/,
  // Keys that libraries from before do not have.
  /^(fitted|data\.(calibration|selection|test)\.(from|mayBeTrainedOn))\b/,
  // A split is a number, or says its part as well.
  /^config\.data\.splits\b/,
  /^config\.(method|(measure|statistics)\.shards|teacher\.train\.architecture\.family)$/,
  /(^|\.)latency(Ms|Profile)\b/,
  /^engine\.(version|device|threads)\b/,
  // Every resource counts for it, time too.
  /\.dominated(By)?$/,
  // Sizes and hashes of a table with latencies in it, and of a script that is no number.
  /^ranking\b/,
  /^onnx\.profileScript\b/,
  // Listed since it is estimated; libraries from before do not have it.
  /\.refitStandardError$/,
];

/** The paths at which two JSON values differ, and both values there. */
export function differences(a: unknown, b: unknown, path = ''): string[] {
  if (ignored.some((pattern) => pattern.test(path))) return [];
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].flatMap((key) => differences(a[key], b[key], path === '' ? key : `${path}.${key}`));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    const length = Math.max(a.length, b.length);
    return Array.from({ length }, (_, i) => differences(a[i], b[i], `${path}[${i}]`)).flat();
  }
  return Object.is(a, b) ? [] : [`${path}: ${JSON.stringify(a)} -> ${JSON.stringify(b)}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [first, second] = process.argv
    .slice(2)
    .map((folder) => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as unknown);
  const found = differences(first, second);
  for (const line of found) console.log(line);
  console.log(found.length === 0 ? 'the same numbers' : `${found.length} differences`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
