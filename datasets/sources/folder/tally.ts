/** How many files there are of each kind, and the first names. */
export type Tally = Map<string, { count: number; readonly first: string[] }>;

const listed = 3;

export function count(tally: Tally, kind: string, name: string): void {
  const entry = tally.get(kind);
  if (entry === undefined) tally.set(kind, { count: 1, first: [name] });
  else if (entry.count++ < listed) entry.first.push(name);
}

export function addTally(to: Tally, from: Tally): void {
  for (const [kind, { count: more, first }] of from) {
    const entry = to.get(kind);
    if (entry === undefined) to.set(kind, { count: more, first: first.slice(0, listed) });
    else {
      entry.count += more;
      entry.first.push(...first.slice(0, Math.max(0, listed - entry.first.length)));
    }
  }
}

/** "3 .txt (a/x.txt, a/y.txt, ...), 1 without ending (b/z)" */
export function describeTally(tally: Tally): string {
  return [...tally]
    .map(([kind, { count: total, first }]) => {
      const more = total > first.length ? ', ...' : '';
      return `${total.toLocaleString('en')} ${kind} (${first.join(', ')}${more})`;
    })
    .join(', ');
}
