import type { DistillResult } from '../../pipeline/distill/task.ts';
import type { TrainingState } from '../../pipeline/tensor/training-state.ts';

/** Keeps checkpoints the way a file would: through JSON and copies of the arrays. */
export function memoryCheckpoint() {
  const saved: TrainingState[] = [];
  return {
    saved,
    load: () => Promise.resolve(saved.at(-1)),
    save(state: TrainingState) {
      saved.push({
        meta: JSON.parse(JSON.stringify(state.meta)) as TrainingState['meta'],
        tensors: Object.fromEntries(Object.entries(state.tensors).map(([name, x]) => [name, x.slice()])),
      });
      return Promise.resolve();
    },
  };
}

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
