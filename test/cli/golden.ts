import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

/** Compares with test/fixtures/cli/`name`; `UPDATE_FIXTURES=1` writes it anew, and the difference is to be read. */
export function assertGolden(name: string, text: string): void {
  const file = new URL(`../fixtures/cli/${name}`, import.meta.url);
  if (process.env.UPDATE_FIXTURES) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
}

/** Nothing a terminal without Unicode or colour could not show. */
export function assertAscii(text: string): void {
  assert.match(text, /^[\n\x20-\x7e]*$/);
}
