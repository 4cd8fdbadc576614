/** Sends a file to the store and brings it back, as `<file>.back`: `move-large-file.ts <file> <sha256>`. Tells of its memory. */
import { statSync } from 'node:fs';
import { bringFile } from '../../../pipeline/runner/store/object/bring-file.ts';
import { openObjects } from '../../../pipeline/runner/store/object/open-objects.ts';
import type { Sha256 } from '../../../pipeline/util/hash.ts';

const [path, sha256] = process.argv.slice(2) as [string, Sha256];
const objects = await openObjects(
  { kind: 's3', bucket: 'files', prefix: '' },
  { atStart: [100], waits: [100], partBytes: 32 * 2 ** 20 },
);
const file = { path, sizeBytes: statSync(path).size, sha256 };
const before = process.memoryUsage.rss();
let most = before;
setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20).unref();
await objects.putFile('large', file);
await bringFile(objects, 'large', { ...file, path: `${path}.back` });
objects.close();
process.stdout.write(JSON.stringify({ before, most }));
