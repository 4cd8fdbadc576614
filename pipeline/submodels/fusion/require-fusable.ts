import { fail } from '../../util/failure.ts';
import type { FusionTask } from './fusion-task.ts';
import { requireFleet } from './require-fleet.ts';

/**
 * Refuses features that are no numbers, with the sub-model that they come from: a sub-model that training has broken.
 * @throws BlockForgeError `not-finite`, `library-invalid` where a given head is of others; RangeError where sizes disagree, which is a bug
 */
export function requireFusable({
  widths,
  classes,
  fit,
  heldOut,
  given = [],
  submodels,
}: Pick<FusionTask, 'widths' | 'classes' | 'fit' | 'heldOut' | 'given' | 'submodels'>): void {
  for (const { name, head } of given) {
    const names = submodels ?? head.submodels;
    const senders = widths.map((featureWidth, place) => ({ name: names?.[place] ?? '', featureWidth }));
    requireFleet(head, { submodels: senders, classes }, name);
  }
  for (const [name, { features, images, labels, teacherLogits }] of Object.entries({ fit, heldOut })) {
    const sizes = features.map(({ length }) => length).join();
    if (sizes !== widths.map((width) => width * images).join() || images < 1) {
      throw new RangeError(
        `${name}: features of ${sizes} numbers for ${images} images and widths ${widths.join()}`,
      );
    }
    for (const [what, length, expected] of [
      ['labels', labels?.length, images],
      ['logits', teacherLogits?.length, images * classes],
    ] as const) {
      if (length !== undefined && length !== expected) {
        throw new RangeError(`${name}: ${length} ${what}, ${expected} expected`);
      }
    }
    for (const [submodel, own] of features.entries()) {
      const bad = own.find((value) => !Number.isFinite(value));
      if (bad === undefined) continue;
      fail({
        reason: 'not-finite',
        subject: `sub-model ${submodel}`,
        found: `a feature that is ${bad}`,
        expected: 'finite numbers',
        next: 'train it anew with a lower learning rate',
      });
    }
  }
}
