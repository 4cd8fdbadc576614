import { homedir } from 'node:os';
import { join } from 'node:path';

/** One line of the report. */
export interface Row {
  readonly label: string;
  readonly text: string;
  /** What `text` says as a number, and its unit; for `--json`. */
  readonly value?: number | undefined;
  readonly unit?: string | undefined;
  /** Something that should have worked. */
  readonly failed?: boolean | undefined;
}

const root = join(import.meta.dirname, '..', '..');

/** Without where the user and this code live: people paste this in public. */
export const withoutPlaces = (text: string): string => text.replaceAll(root, '.').replaceAll(homedir(), '~');

/** A part of the report that may fail without ending it. */
export async function guarded(
  label: string,
  part: () => Row | readonly Row[] | Promise<Row | readonly Row[]>,
): Promise<readonly Row[]> {
  try {
    const rows = await part();
    return 'label' in rows ? [rows] : rows;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return [{ label, text: `FAILED: ${words.split('\n')[0]?.slice(0, 300)}`, failed: true }];
  }
}

/** Rows go from the processes that measure to the one that prints as lines of JSON. */
export function sendRows(rows: readonly Row[]): void {
  for (const row of rows) process.stdout.write(`${JSON.stringify({ row })}\n`);
}

/** The row on a line, or undefined where something else was printed, as drivers do. */
export function receiveRow(line: string): Row | undefined {
  try {
    const { row } = JSON.parse(line) as { readonly row?: Row };
    return row;
  } catch {
    return undefined;
  }
}
