/** Lets jobs to their seats in the order in which they came; one that must be alone waits until it is, and the others for it. */
export interface Gate {
  /** @returns what lets the next in */
  enter(exclusive: boolean): Promise<() => void>;
}

export function createGate(): Gate {
  const waiting: { readonly exclusive: boolean; readonly start: () => void }[] = [];
  let inside = 0;
  let alone = false;
  const next = (): void => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      if (alone || (first.exclusive && inside > 0)) return;
      waiting.shift();
      inside++;
      alone = first.exclusive;
      first.start();
    }
  };
  return {
    enter: (exclusive) =>
      new Promise((resolve) => {
        const leave = (): void => {
          inside--;
          if (exclusive) alone = false;
          next();
        };
        waiting.push({ exclusive, start: () => resolve(leave) });
        next();
      }),
  };
}
