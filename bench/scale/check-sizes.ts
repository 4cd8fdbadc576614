import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DoneRecord } from '../../pipeline/runner/publish.ts';
import { loadConfig } from '../../pipeline/config/load.ts';
import { blocks } from '../../pipeline/stages/methods.ts';
import type { TeacherInfo } from '../../pipeline/stages/common/artefacts.ts';
import type { BlocksInput } from '../../pipeline/stages/blocks/schema.ts';
import { formatBytes } from '../../pipeline/util/format.ts';
import { fileBytes } from './bytes.ts';

/** A run's large files beside what the formulas say of them, summed by kind. */
export function checkSizes(runFolder: string, config: string, overrides: readonly string[]): string[] {
  const info = JSON.parse(readFileSync(join(runFolder, 'teacher/model/teacher.json'), 'utf8')) as TeacherInfo;
  const loaded = loadConfig(config, [blocks], { overrides });
  const sizeOf = fileBytes({ loaded, architecture: info.architecture } as BlocksInput);
  const sums = new Map<string, { real: number; expected: number }>();
  for (const stage of ['teacher', 'statistics', 'refit', 'distill']) {
    for (const part of readdirSync(join(runFolder, stage))) {
      const file = join(runFolder, stage, part, 'done.json');
      const { job, outputs } = JSON.parse(readFileSync(file, 'utf8')) as DoneRecord;
      for (const { path, sizeBytes } of outputs) {
        const expected = sizeOf(job, path);
        if (expected === 0) continue;
        const kind = `${stage} ${path.replace(/^block-\d+/, 'block-NN')}`;
        const sum = sums.get(kind) ?? { real: 0, expected: 0 };
        sums.set(kind, { real: sum.real + sizeBytes, expected: sum.expected + expected });
      }
    }
  }
  return [...sums].map(
    ([kind, { real, expected }]) =>
      `${kind}: ${formatBytes(real)}, by formula ${formatBytes(Math.round(expected))} (${(100 * (real / expected - 1)).toFixed(1)} %)`,
  );
}
