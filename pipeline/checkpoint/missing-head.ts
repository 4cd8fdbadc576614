import { fail } from '../util/failure.ts';
import { headLike } from './head.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming-contract.ts';

/** How torch stores a weight that it makes of others: weight_norm, spectral_norm, pruning. */
const inParts = /\.(?:weight_(?:g|v|orig|mask)|parametrizations\.weight\.original\d*)$/;

/**
 * A model that somebody else's head belongs on: what it answers is for its user to say. Where something like a head is there,
 * why it is not read.
 * @throws BlockForgeError `checkpoint-unsupported`, always
 */
export function refuseHeadless(stored: StoredCheckpoint, naming: Naming): never {
  const { path: subject, tensors } = stored;
  const [wanted = ''] = naming.stored('head.weight');
  const widthOf = (name: string) => tensors.get(name)?.shape.at(-1) ?? 0;
  const width = widthOf(naming.stored('norm.weight')[0] ?? '');
  const expected = `a complete classifier in ${naming.name} naming`;
  const like = headLike(stored, wanted);
  const parts = like.filter((name) => inParts.test(name));
  if (parts.length > 0) {
    fail({
      reason: 'checkpoint-unsupported',
      subject,
      found: `a head whose weight is stored in parts: ${parts.join(', ')}`,
      expected,
      next: 'torch.nn.utils.parametrize.remove_parametrizations(HEAD, "weight") makes it one (of older code torch.nn.utils.remove_weight_norm(HEAD)); then save the model again',
    });
  }
  const others = like.filter((name) => tensors.get(name)?.shape.length === 2);
  const features =
    'teacher.head: none measures features, teacher.head: { train: true } fits one to the labels of the data';
  const [first] = others;
  return fail({
    reason: 'checkpoint-unsupported',
    subject,
    found: [
      `no head: no tensor ${wanted}`,
      ...others.map((name) => `${name} takes ${widthOf(name)} numbers, the model gives ${width}`),
    ].join('; '),
    expected,
    next:
      first !== undefined && widthOf(first) === 2 * width
        ? `where it reads the class token and the mean of the patches: teacher.hints: { head: ${first.replace(/\.weight$/, '')} }; else ${features}`
        : features,
  });
}
