import assert from 'node:assert/strict';
import {
  isLookAfter,
  lastStep,
  learningRateAt,
  planEnd,
  type TrainingPlan,
} from '../../pipeline/distill/schedule.ts';
import type { ModelLook, TrainingSettings } from '../../pipeline/distill/distill-task.ts';

const settings: TrainingSettings = {
  optimizer: 'adamw',
  learningRate: 2,
  schedule: 'cosine',
  warmupShare: 0.1,
  weightDecay: 0,
  loss: 'mse',
  lookahead: 0.5,
  klWeight: 1,
  steps: 100,
  earlyStop: { patience: 2, minimumGain: 0.01 },
};
const plan: TrainingPlan = { steps: 100, hurried: null };
/** That of the refits, then one look every 10 steps, with the KL of two students. */
const looksOf = (...kl: [number, number][]): Pick<ModelLook, 'step' | 'kl'>[] =>
  [[9, 9] as [number, number], ...kl].map((pair, i) => ({ step: 10 * i, kl: pair }));

describe('the schedule of a distillation', () => {
  it('looks ten times, the last time after the last step, also where there are fewer steps or an early end', () => {
    const at = (of: TrainingPlan) =>
      Array.from({ length: lastStep(of) }, (_, i) => i + 1).filter((step) => isLookAfter(step, of));
    assert.deepEqual(at(plan), [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    assert.deepEqual(at({ steps: 3, hurried: null }), [1, 2, 3]);
    assert.equal(at({ steps: 100, hurried: { from: 40, end: 48 } }).at(-1), 48);
  });

  it('ends early only once every student has dried up', () => {
    const falling = looksOf([0.5, 0.4], [0.4, 0.4], [0.3, 0.4], [0.2, 0.4]);
    assert.equal(planEnd(plan, falling, settings), plan);
    const dry = looksOf([0.5, 0.4], [0.3, 0.4], [0.2995, 0.4], [0.2985, 0.41]);
    assert.deepEqual(planEnd(plan, dry, settings), { steps: 100, hurried: { from: 40, end: 48 } });
    assert.equal(planEnd(plan, dry.slice(0, 3), settings), plan, 'fewer looks than the patience');
    assert.equal(planEnd(plan, dry, { ...settings, earlyStop: null }), plan);
  });

  it('never ends later than planned, decides once, and has no decay to save under a constant rate', () => {
    const dry = looksOf(...Array.from({ length: 9 }, () => [1, 1] as [number, number]));
    assert.equal(lastStep(planEnd(plan, dry, settings)), 100);
    assert.equal(lastStep(planEnd(plan, dry, { ...settings, schedule: 'constant' })), 90);
    const hurried: TrainingPlan = { steps: 100, hurried: { from: 30, end: 36 } };
    assert.equal(planEnd(hurried, dry, settings), hurried);
  });

  it('hurries the rate to zero from where it is', () => {
    const hurried: TrainingPlan = { steps: 100, hurried: { from: 40, end: 48 } };
    const rates = Array.from({ length: 9 }, (_, i) => learningRateAt(settings, hurried, 40 + i));
    assert.equal(rates[0], learningRateAt(settings, plan, 40));
    // Cosine after 10 steps of warm-up: 2 * (1 + cos(pi / 3)) / 2 at the third of the way.
    assert.ok(Math.abs(rates[0] - 1.5) < 1e-12);
    assert.ok(Math.abs(rates[4]! - 0.75) < 1e-12);
    assert.equal(rates[8], 0);
    assert.ok(rates.every((rate, i) => i === 0 || rate < rates[i - 1]!));
  });
});
