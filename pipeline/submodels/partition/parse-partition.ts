import { nearest } from '../../config/nearest.ts';
import { fail } from '../../util/failure.ts';
import { showValue } from '../../util/foreign-value.ts';
import { balancedSizes, type Partition } from './partition.ts';

/**
 * A partition as text: one subset a line, classes by name or, where no name is meant, by number, separated by commas or
 * tabs; empty lines and lines that begin with `#` say nothing. A line with a tab is separated by tabs alone, so that names
 * may hold commas.
 * @param file for messages
 * @param names of the classes, in their order
 * @throws BlockForgeError `data-invalid` with file:line
 */
export function parsePartition(
  text: string,
  file: string,
  names: readonly string[],
  subsets: number,
): Partition {
  const numbers = new Map(names.map((name, index) => [name, index]));
  const seenAt = new Map<number, number>();
  const partition: number[][] = [];
  for (const [index, content] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = index + 1;
    if (/^\s*(#|$)/.test(content)) continue;
    const entries = content.split(content.includes('\t') ? '\t' : ',').map((entry) => entry.trim());
    const subset = entries.map((entry) => {
      const found =
        numbers.get(entry) ?? numberOf(entry, names.length) ?? refuse(unknown(entry, names), line);
      const before = seenAt.get(found);
      if (before !== undefined) {
        const where = before === line ? 'on the same line' : `on line ${before}`;
        refuse({ found: `${describe(found)} again, already ${where}`, expected: 'every class once' }, line);
      }
      seenAt.set(found, line);
      return found;
    });
    partition.push(subset.sort((a, b) => a - b));
  }
  const missing = names.map((_, c) => c).filter((c) => !seenAt.has(c));
  if (missing.length > 0) {
    const listed = missing.slice(0, 5).map(describe).join(', ');
    refuse({
      found: `without ${listed}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}`,
      expected: `all ${names.length} classes`,
    });
  }
  if (partition.length !== subsets) {
    refuse({ found: `${partition.length} lines with classes`, expected: `${subsets}, one per sub-model` });
  }
  const sizes = partition.map(({ length }) => length).sort((a, b) => b - a);
  const balanced = balancedSizes(names.length, subsets);
  if (sizes.join() !== balanced.join()) {
    refuse({
      found: `subsets of ${sizes.join(', ')} classes`,
      expected: `sizes that differ by at most one: ${balanced.join(', ')}`,
    });
  }
  return partition;

  function describe(c: number): string {
    return `class ${c} (${names[c]!})`;
  }

  function refuse(problem: { found: string; expected: string }, line?: number): never {
    return fail({
      reason: 'data-invalid',
      subject: line === undefined ? file : `${file}:${line}`,
      ...problem,
      next: 'mend the file, or choose another partition.by',
    });
  }
}

function numberOf(entry: string, classes: number): number | undefined {
  return /^\d{1,9}$/.test(entry) && Number(entry) < classes ? Number(entry) : undefined;
}

function unknown(entry: string, names: readonly string[]): { found: string; expected: string } {
  const meant = entry === '' ? undefined : nearest(entry, names);
  return {
    found: entry === '' ? 'an empty name' : `no class ${showValue(entry)}`,
    expected:
      meant === undefined
        ? `a class's name, or its number below ${names.length}, separated by commas`
        : `did you mean ${meant}?`,
  };
}
