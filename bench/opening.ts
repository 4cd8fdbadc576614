/**
 * What `openLibrary` takes to check a library's files: their sizes, and with `check: 'hashes'` (the default) their content.
 * Libraries of the size of a ViT-Tiny's and a ViT-B's, five widths a block; only the bytes are real.
 *
 *     npm run bench -- opening [--folder DIR]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inspectFile } from '../pipeline/library/listed-file.ts';
import { ffnBytes } from '../pipeline/library/manifest-parts.ts';
import { sha256 } from '../pipeline/util/hash.ts';
import { median } from '../pipeline/util/quantile.ts';

const { values } = parseArgs({ options: { folder: { type: 'string', default: tmpdir() } } });
const models = [
  { name: 'ViT-Tiny', width: 192, hidden: 768, blocks: 12 },
  { name: 'ViT-B', width: 768, hidden: 3072, blocks: 12 },
];
const kept = [1, 0.75, 0.5, 0.375, 0.25];
const folder = mkdtempSync(join(values.folder, 'blockforge-opening-'));
try {
  for (const { name, width, hidden, blocks } of models) {
    // The frame: attention, norms, patches, positions and a head of 1,000 classes.
    const sizes = [4 * (blocks * 4 * width * width + width * (768 + 197 + 1000 + 30 * blocks))];
    for (let block = 0; block < blocks; block++)
      sizes.push(...kept.map((share) => ffnBytes({ width, hidden: share * hidden })));
    const files = sizes.map((sizeBytes, index) => {
      const path = `${index}.bin`;
      const content = new Uint8Array(sizeBytes).fill(index);
      writeFileSync(join(folder, path), content);
      return { path, sizeBytes, sha256: sha256(content) };
    });
    const time = async (hash: boolean): Promise<{ clock: number; cpu: number }> => {
      const times: number[] = [];
      const cpu: number[] = [];
      for (let round = 0; round < 5; round++) {
        const [started, used] = [performance.now(), process.cpuUsage()];
        for (const file of files) {
          const problem = await inspectFile(folder, file, hash);
          if (problem !== undefined) throw new Error(problem.found);
        }
        times.push(performance.now() - started);
        const { user, system } = process.cpuUsage(used);
        cpu.push((user + system) / 1000);
      }
      return { clock: median(times), cpu: median(cpu) };
    };
    const [looked, read] = [await time(false), await time(true)];
    const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
    console.log(
      `${name}: ${files.length} files, ${megabytes.toFixed(0)} MB: sizes ${looked.clock.toFixed(0)} ms, ` +
        `hashes ${read.clock.toFixed(0)} ms (${read.cpu.toFixed(0)} ms of processor time)`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
