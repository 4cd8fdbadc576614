import type { BudgetPart } from '../page.ts';
import { budgetOptions, type Budget } from './choose-for.ts';

/**
 * The command that makes the model which the page chose, to paste into a shell.
 * @param library where it lies, as a shell of the reader finds it
 */
export function composeCommand(
  budget: Budget,
  { library, profile }: Pick<BudgetPart, 'library' | 'profile'>,
): string {
  const limits = budgetOptions.flatMap((option) => {
    const text = budget[option];
    return text === undefined ? [] : [`--${option}`, text];
  });
  const words = ['compose', library, ...limits, ...(profile === undefined ? [] : ['--profile', profile])];
  return ['npm run pipeline --', ...words.map(quoted)].join(' ');
}

function quoted(word: string): string {
  return /^[\w./%:=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Beside the page, where that is a file of this machine; else as it is given. */
export function libraryPlace(library: string, page: string): string {
  const { protocol, pathname } = new URL(encodeURI(library), page);
  if (protocol !== 'file:') return library;
  const path = decodeURIComponent(pathname);
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}
