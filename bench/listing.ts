/**
 * Time and memory of what `--plan` does with a folder of many images (1,281,167 in 1,000 classes, as ImageNet's train/, unless told
 * otherwise). Makes empty files below FOLDER (default: the temporary folder), one inode each, and removes them afterwards.
 *
 *     npm run bench -- listing [IMAGES] [CLASSES] [FOLDER]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderState } from '../datasets/sources/folder/folder-state.ts';
import { listFolder } from '../datasets/sources/folder/list-folder.ts';
import { sampleRss } from './support/sample-rss.ts';

const [images = 1_281_167, classes = 1000] = process.argv.slice(2, 4).map(Number);
const folder = mkdtempSync(join(process.argv[4] ?? tmpdir(), 'blockforge-listing-'));
try {
  for (let label = 0; label < classes; label++) {
    const at = join(folder, `n${String(label).padStart(8, '0')}`);
    mkdirSync(at);
    for (let i = label; i < images; i += classes) writeFileSync(join(at, `${i}.JPEG`), '');
  }
  const memory = sampleRss(50);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const listed = await listFolder(folder);
  const walked = performance.now();
  await folderState(listed);
  const end = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  const { peakBytes } = memory.stop();
  console.log(listed.account.lines.join('\n'));
  console.log(
    `listing ${((walked - start) / 1000).toFixed(1)} s, state of each file ${((end - walked) / 1000).toFixed(1)} s ` +
      `(${((user + system) / 1e6).toFixed(1)} s of processor), ${(peakBytes / 1e6).toFixed(0)} MB resident`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
