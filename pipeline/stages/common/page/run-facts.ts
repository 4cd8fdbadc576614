import { basename } from 'node:path';
import type { Fact } from '../../../report/page.ts';
import { formatBytes } from '../../../util/format.ts';
import type { JobRecord, RunRecords } from './run-records.ts';

/** What was run, in words: method, teacher, data, splits, engine, seed, machine. What is not known is left out. */
export function runFacts(
  { about, data, teacher, check, splits }: RunRecords,
  method: string | undefined,
): readonly Fact[] {
  const engine = [teacher, check].map((record) => record?.engine).find((text) => typeof text === 'string');
  const seed = about?.config.seed ?? data?.madeFrom.settings.seed;
  const of = data?.summary;
  const facts: readonly (readonly [string, unknown])[] = [
    ['Method', method ?? about?.method],
    ['Teacher', teacherText(about?.config.teacher?.checkpoint, teacher, check)],
    ['Data', of?.source],
    ...splits.flatMap(({ name: split, images, sha256 }) =>
      images === 0
        ? []
        : [[`Images, ${split}`, `${images.toLocaleString('en-US')} (${sha256.slice(0, 12)})`] as const],
    ),
    ['Engine', engine],
    ['Seed', typeof seed === 'number' ? String(seed) : undefined],
    ['Machine', about && machineText(about.machine)],
  ];
  return facts.flatMap(([label, value]) =>
    typeof value === 'string' && value !== '' ? [{ label, value }] : [],
  );
}

/** "demo-teacher: 96 wide, 6 blocks, images of 32 x 32, 10 classes; 71.3 % right on 1,000 selection images" */
function teacherText(
  checkpoint: string | undefined,
  teacher: JobRecord | undefined,
  check: JobRecord | undefined,
): string | undefined {
  const { width, depth, imageSize, classes, answer } = (teacher?.madeFrom.settings.architecture ??
    {}) as Record<string, unknown>;
  const size = typeof imageSize === 'number' ? `images of ${imageSize} x ${imageSize}` : undefined;
  const shape = [
    typeof width === 'number' && `${width} wide`,
    typeof depth === 'number' && `${depth} blocks`,
    size,
    typeof classes === 'number' &&
      (answer === undefined ? `${classes} classes` : `features of ${classes} numbers`),
  ].filter((part) => typeof part === 'string');
  const { images, top1, low, high, measure } = (check?.summary ?? {}) as Record<string, unknown>;
  const isMeasured = [images, top1, low, high].every((value) => typeof value === 'number');
  const measured = isMeasured
    ? `${(top1 as number).toFixed(1)} % [${(low as number).toFixed(1)}, ${(high as number).toFixed(1)}] right${typeof measure === 'string' ? ` by ${measure}` : ''} of ${(images as number).toLocaleString('en-US')} selection images`
    : undefined;
  const given = checkpoint === undefined ? undefined : basename(checkpoint);
  const name = given ?? (teacher?.madeFrom.settings.train ? 'trained in this run' : undefined);
  const rest = [shape.join(', '), measured].filter((part) => part !== undefined && part !== '').join('; ');
  return [name, rest].filter((part) => part !== undefined && part !== '').join(': ') || undefined;
}

function machineText({
  processor,
  cores,
  memoryBytes,
  system,
}: NonNullable<RunRecords['about']>['machine']): string {
  return `${processor}, ${cores} core${cores === 1 ? '' : 's'}, ${formatBytes(memoryBytes)} of memory, ${system}`;
}
