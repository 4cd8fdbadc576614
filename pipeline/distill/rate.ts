import * as tf from '@tensorflow/tfjs-core';
import * as students from './students.ts';
import { looks } from './schedule.ts';
import type { DistillTask } from './task.ts';

/** Share of the time that may go into measuring the rate, and the fewest steps that make a rate. */
const probeShare = 0.02;
const fewestProbes = 2;

/**
 * How many steps fit into what is left of `seconds` since `began` (of `performance.now()`), the looks included; at least
 * 1. Makes a few real steps on students of its own and forgets them, so that the training that follows is the one that
 * naming this number of steps would give.
 */
export async function stepsWithin(
  seconds: number,
  began: number,
  { students: initial, examples, settings, signal }: DistillTask,
): Promise<number> {
  const trial: students.Student[] = [];
  const batches = examples.batches(0);
  try {
    for (const { id, weights } of initial) trial.push(students.start(id, weights, () => NaN));
    const step = async (): Promise<void> => {
      signal.throwIfAborted();
      const { value: batch } = await batches.next();
      const hyper = {
        lossScale: 1,
        learningRate: 0,
        gelu: examples.gelu,
        adam: students.adamSettings(settings),
      };
      const losses = trial.map((student, index) => students.step(student, batch[index], hyper));
      // Waits for the engine: a GPU would otherwise still be at work when the clock is read.
      tf.tidy(() => tf.stack(losses).dataSync());
      tf.dispose([losses, ...batch.map(({ x, target }) => [x, target])]);
    };
    // Pays for reading ahead and for the engine's memory.
    await step();
    const looking = performance.now();
    for (const [index, student] of trial.entries()) {
      await students.judge(student, 1, (parameters) => examples.errorOf(index, parameters));
    }
    const lookSeconds = (performance.now() - looking) / 1000;
    const probing = performance.now();
    let probes = 0;
    let spent = 0;
    while (probes < fewestProbes || spent < probeShare * seconds) {
      await step();
      probes++;
      spent = (performance.now() - probing) / 1000;
    }
    // One look more: at the refits.
    const left = seconds - (performance.now() - began) / 1000 - (looks + 1) * lookSeconds;
    return Math.max(1, Math.floor((left * probes) / spent));
  } finally {
    await batches.return(undefined as never);
    trial.forEach(students.dispose);
  }
}
