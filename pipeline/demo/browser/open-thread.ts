import type { Reply, Requests } from './messages.ts';

/** The thread that computes, as the page asks it. */
export interface Thread {
  /** @throws Error with what went wrong, for people */
  ask<Kind extends keyof Requests>(
    kind: Kind,
    given: Requests[Kind]['given'],
  ): Promise<Requests[Kind]['answer']>;
  close(): void;
}

/** @param script this very bundle, which knows what it is by where it runs */
export function openThread(script: string): Thread {
  const worker = new Worker(script);
  const waiting = new Map<
    number,
    { readonly resolve: (answer: never) => void; readonly reject: (problem: Error) => void }
  >();
  let next = 0;
  worker.onmessage = ({ data }: MessageEvent<Reply>) => {
    const asked = waiting.get(data.id);
    if (asked === undefined) return;
    waiting.delete(data.id);
    if ('problem' in data) asked.reject(new Error(data.problem));
    else asked.resolve(data.answer as never);
  };
  worker.onerror = ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message || 'its code does not load'));
    waiting.clear();
  };
  return {
    ask: (kind, given) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, kind, given });
      }),
    close: () => worker.terminate(),
  };
}
