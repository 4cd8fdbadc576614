import type { FleetsReport } from './report-file.ts';
import type { ReportTable } from './report-cells.ts';
import { reportTables } from './report-tables.ts';

/** report.md: everything that was measured on the test split. */
export function reportText(report: FleetsReport): string {
  const { run, images, fleets } = report;
  const tables = reportTables(report, true).map(markdownTable);
  const partitions = fleets.map(({ name, partition, head }) => {
    const kinds = Object.entries(partition.confusionInside).map(
      ([kind, share]) => `${kind} ${(100 * share).toFixed(1)} %`,
    );
    return `- ${name}: classes divided by \`${partition.by}\`; of the teacher's confusion between classes lies inside subsets: ${kinds.join(', ')}. Fusion: ${head}.`;
  });
  return [
    `# ${run}`,
    ...(images === 0 ? ['The config asks for no test images.'] : tables),
    ...(fleets.length === 0 ? [] : [`## Partitions and fusions\n\n${partitions.join('\n')}`]),
    '',
  ].join('\n\n');
}

function markdownTable({ title, notes, columns, rows }: ReportTable): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    ...notes.map((note) => `- ${note}`),
    '',
    line(columns.map(({ title: head }) => head)),
    line(columns.map(({ align }) => (align === 'right' ? '--:' : '---'))),
    ...rows.map(line),
  ].join('\n');
}
