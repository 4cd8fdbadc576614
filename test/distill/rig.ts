import type { DistillResult } from '../../pipeline/distill/task.ts';

/** A signal that says it is aborted from the moment it has been asked `steps` times; a training asks once a step. */
export function abortAfter(steps: number): AbortSignal {
  const stop = new AbortController();
  const { signal } = stop;
  stop.abort(new Error('Ctrl-C'));
  let reads = 0;
  return new Proxy(signal, {
    get(target, key) {
      if (key === 'aborted') return ++reads > steps;
      if (key === 'throwIfAborted') return () => undefined;
      return Reflect.get(target, key, target) as unknown;
    },
  });
}

/** A result without what no two runs share: the clock. */
export function timeless({ history, ...rest }: DistillResult): unknown {
  return { ...rest, history: history.map(({ step, errors }) => ({ step, errors })) };
}
