import { fail } from '../../util/failure.ts';
import type { FusionHead } from './fusion-head.ts';

/**
 * Refuses a fusion for other sub-models than those that send: of other names, in another order, or of vectors of other widths.
 * @param submodels in the order in which their features are brought
 * @param subject file or thing, for the message
 * @throws BlockForgeError `library-invalid`
 */
export function requireFleet(
  head: Pick<FusionHead, 'widths' | 'submodels'>,
  submodels: readonly { readonly name: string; readonly featureWidth: number }[],
  subject: string,
): void {
  const text = (names: readonly string[] | undefined, widths: readonly number[]): string =>
    widths.map((width, i) => (names === undefined ? String(width) : `${names[i]} (${width})`)).join(', ');
  const names = head.submodels && submodels.map(({ name }) => name);
  const found = text(head.submodels, head.widths);
  const expected = text(
    names,
    submodels.map(({ featureWidth }) => featureWidth),
  );
  if (found === expected && head.widths.length === submodels.length) return;
  fail({
    reason: 'library-invalid',
    subject,
    found: `a fusion of the vectors of ${found}`,
    expected: `of ${expected}, in this order, which are the sub-models that send`,
    next: 'make the fusion anew for these sub-models',
  });
}
