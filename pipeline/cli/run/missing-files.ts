import { shownPath } from '../../stages/common/assumed-inputs.ts';
import type { MissingFile } from './prepare.ts';

/** What a plan was made from, where that is less than a run needs; at most one line. */
export function describeMissing(missing: readonly MissingFile[]): string[] {
  if (missing.length === 0) return [];
  const names = missing.flatMap(({ architecture }) => architecture ?? []);
  const hasImages = !missing.some(({ key }) => key === 'data.path');
  if (names.length === 0) return ['planned without images: none were at hand'];
  const what = hasImages ? 'no weights were at hand' : 'neither weights nor images were at hand';
  return [`planned from the name ${[...new Set(names)].join(' and ')} alone: ${what}`];
}

/** What to set for each of the files, a line each. */
export function needsOf(missing: readonly MissingFile[]): string[] {
  return missing.map(({ key, path, variable }) => {
    const isSettable = !key.includes('[');
    const ways = [
      ...(variable === undefined ? [] : [`${variable}=FOLDER`]),
      ...(isSettable
        ? [`--set ${key}=${key.endsWith('.checkpoint') ? 'PATH, or hf:OWNER/NAME' : 'PATH'}`]
        : []),
    ];
    return `${key}: put it to ${shownPath(path)}${ways.map((way) => `, or ${way}`).join('')}`;
  });
}
