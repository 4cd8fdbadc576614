import { fail } from '../../util/failure.ts';
import type { FusionHead } from './fusion-head.ts';

/** Who brings features, in the order in which they are brought. */
export interface Fleet {
  readonly submodels: readonly { readonly name: string; readonly featureWidth: number }[];
  /** K */
  readonly classes: number;
}

/**
 * Refuses a fusion for other sub-models than those that send: vectors of other widths, other names, or another order. A
 * head without names can be held against widths alone.
 * @param subject file or thing, for the message
 * @throws BlockForgeError `library-invalid`
 */
export function requireFleet(
  head: Pick<FusionHead, 'widths' | 'submodels' | 'classes'>,
  { submodels, classes }: Fleet,
  subject: string,
): void {
  const widths = submodels.map(({ featureWidth }) => featureWidth).join(', ');
  const names = head.submodels && submodels.map(({ name }) => name).join(', ');
  const own = head.submodels?.join(', ');
  if (head.widths.join(', ') === widths && own === names && head.classes === classes) return;
  const by = (text: string | undefined): string => (text === undefined ? '' : `, by ${text}`);
  fail({
    reason: 'library-invalid',
    subject,
    found: `a fusion of vectors of ${head.widths.join(', ')} values for ${head.classes} classes${by(own)}`,
    expected: `of ${widths} for ${classes}${by(names)}, as the sub-models that send them have it`,
    next: 'make the fusion anew for these sub-models, in this order',
  });
}
