import type { Section, TablePart } from '../../../report/page.ts';
import { weightsOf, type RunRecords } from './run-records.ts';

/** What was handed on, by its name: SHA-256. */
export type HandedOn = readonly { readonly what: string; readonly sha256: string }[];

/** Hashes of what the run was made from and of what it made. */
export function provenanceSection(
  { about, config, teacher, splits, data }: RunRecords,
  handedOn: HandedOn,
  reporter: string,
): Section {
  const weights = weightsOf(teacher);
  const rows: readonly (readonly [string, string])[] = [
    ...(teacher?.madeFrom.files ?? []).map((sha256, i) => [`checkpoint, file ${i + 1}`, sha256] as const),
    ...(weights === undefined ? [] : [['teacher, as it was used', weights] as const]),
    ...(data?.madeFrom.files ?? []).map((sha256, i) => [`data, file ${i + 1}`, sha256] as const),
    ...splits
      .filter(({ images }) => images > 0)
      .map(({ name, sha256 }) => [`split ${name}: ids, labels, contents`, sha256] as const),
    ...(config === undefined ? [] : [['config, without how it was operated', config.sha256] as const]),
    ...handedOn.map(({ what, sha256 }) => [what, sha256] as const),
  ];
  const table: TablePart = {
    kind: 'table',
    caption: 'SHA-256',
    columns: [{ title: 'what' }, { title: 'digest' }],
    rows: rows.map((row) => row.map((text) => ({ text }))),
  };
  const versions = [
    ...(about === undefined ? [] : [`The run was last started by BlockForge ${about.program}.`]),
    `This page was written by BlockForge ${reporter}.`,
  ];
  return {
    id: 'provenance',
    title: 'Provenance',
    lead: 'What the numbers belong to: equal digests are equal bytes.',
    parts: [...(rows.length === 0 ? [] : [table]), { kind: 'text', text: versions.join(' ') }],
  };
}
