export interface Span {
  /** In ms. */
  readonly started: number;
  readonly ended: number;
}

/** A clock that stands while nobody works: a run that was stopped for the night goes on where it was. */
export interface WorkClock {
  /** Seconds at work up to `ms`. */
  at(ms: number): number;
  readonly totalSeconds: number;
  /** Where it stood, in its own seconds. */
  readonly breaks: readonly number[];
}

/** @param patienceMs a pause that is no longer counts as work */
export function workClock(spans: readonly Span[], patienceMs = 60_000): WorkClock {
  const pieces: { started: number; ended: number; before: number }[] = [];
  for (const { started, ended } of [...spans].sort((a, b) => a.started - b.started)) {
    const piece = pieces.at(-1);
    if (piece !== undefined && started - piece.ended <= patienceMs)
      piece.ended = Math.max(piece.ended, ended);
    else pieces.push({ started, ended, before: 0 });
  }
  let total = 0;
  for (const piece of pieces) {
    piece.before = total;
    total += piece.ended - piece.started;
  }
  const pieceOf = (ms: number) => {
    let [low, high] = [0, pieces.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pieces[middle]!.started <= ms) low = middle;
      else high = middle - 1;
    }
    return pieces[low];
  };
  return {
    at(ms) {
      const piece = pieceOf(ms);
      if (piece === undefined) return 0;
      return (piece.before + Math.max(0, Math.min(ms, piece.ended) - piece.started)) / 1000;
    },
    totalSeconds: total / 1000,
    breaks: pieces.slice(1).map(({ before }) => before / 1000),
  };
}
