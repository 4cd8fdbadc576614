import { basename } from 'node:path';
import { inspectDocument, type DocumentKind } from '../library/document.ts';
import { tally, type Check, type Finding } from './finding.ts';

/**
 * The check `manifest`: everything that is wrong with a manifest as findings.
 * @returns its value where it can be trusted
 */
export async function verifyDocument<T>(
  path: string,
  kind: DocumentKind<T>,
  findings: Finding[],
): Promise<{ readonly value?: T; readonly check: Check }> {
  const check = tally('manifest', findings);
  const read = await inspectDocument(path, kind);
  if ('value' in read) {
    check.pass();
    return { value: read.value, check: check.result() };
  }
  check.find(
    ...read.problems.map(({ found, expected }): Finding => ({
      check: 'manifest',
      file: basename(path),
      found,
      ...(expected !== undefined && { expected }),
    })),
  );
  return { check: check.result() };
}
