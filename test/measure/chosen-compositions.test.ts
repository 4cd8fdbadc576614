import assert from 'node:assert/strict';
import { drawChosen } from '../../pipeline/measure/chosen-compositions.ts';
import { contextsOf, scoreId } from '../../pipeline/measure/contexts.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import { blockCosts } from '../../pipeline/model/costs.ts';
import { random } from '../../pipeline/util/random.ts';
import { tinyArchitecture } from '../support/checkpoints.ts';

describe('measure/chosen-compositions', () => {
  const architecture = { ...tinyArchitecture, depth: 4, hidden: 40 };
  const widths = [40, 30, 20, 10];
  const levels = widths.map((width) => ({ width }));
  const contexts = contextsOf(['teacher', 'middle', 'sparsest'], levels);
  const images = 200;
  const draw = random(1, 'chosen-compositions');
  const scores = (kl: number): Scores => ({
    correct: new Uint8Array(images),
    agree: new Uint8Array(images),
    kl: Float32Array.from({ length: images }, () => kl * (1 + draw.normal())),
  });
  /** Later blocks cost more. */
  const costOf = (block: number, width: number) => 0.1 * (block + 1) * ((40 - width) / 10) ** 1.5;
  const models = new Map<string, Scores>([['teacher', scores(0)]]);
  for (const context of contexts) {
    if (context.name !== 'teacher') models.set(context.name, scores(0.3));
    for (let block = 0; block < 4; block++)
      for (const width of widths) {
        const id = scoreId(context, block, width);
        if (!models.has(id)) models.set(id, scores(costOf(block, width)));
      }
  }
  const options = { contexts, levels, count: 16, seed: 3 };
  const found = drawChosen(models, architecture, options);

  it('covers budgets from the narrowest model to the teacher, by either half', () => {
    const params = (chosen: readonly number[]) =>
      chosen.reduce((sum, width, block) => sum + blockCosts(architecture, block, width).params, 0);
    const shares = found.map((item) => params(item.widths) / params([40, 40, 40, 40]));
    assert.ok(found.length >= 12, String(found.length));
    for (const half of [0, 1]) {
      const own = shares.filter((_, index) => index % 2 === half);
      assert.ok(Math.min(...own) < 0.5 && Math.max(...own) > 0.7, String(own));
    }
  });

  it('keeps the blocks wide that cost most', () => {
    const mean = (block: number) => found.reduce((sum, item) => sum + item.widths[block]!, 0) / found.length;
    assert.ok(mean(3) > mean(0) + 3, `${mean(0)} ${mean(3)}`);
    for (const { widths: own } of found) assert.ok(new Set(own).size > 1, 'none is uniform');
  });

  it('is the same for the same seed, and every one is another', () => {
    assert.deepEqual(drawChosen(models, architecture, options), found);
    assert.notDeepEqual(drawChosen(models, architecture, { ...options, seed: 4 }), found);
    assert.equal(new Set(found.map((item) => item.widths.join())).size, found.length);
    assert.deepEqual(drawChosen(models, architecture, { ...options, count: 0 }), []);
  });
});
