/**
 * That the user says otherwise than who would be asked next, for people: one of the two is wrong.
 * @param others who tells the same fact, in the order in which they are asked
 */
export function hintNote(
  key: string,
  hint: string | number | undefined,
  others: readonly (readonly [origin: string, fact: string | number | undefined])[],
): readonly string[] {
  const next = others.find(([, fact]) => fact !== undefined);
  if (hint === undefined || next === undefined || next[1] === hint) return [];
  return [`teacher.hints.${key} ${hint} goes before ${next[0]}: ${next[1]}`];
}
