import assert from 'node:assert/strict';
import { requireFleet } from '../../../pipeline/submodels/fusion/require-fleet.ts';
import type { BlockForgeError } from '../../../pipeline/util/failure.ts';

describe('submodels/fusion/require-fleet', () => {
  const head = { widths: [192, 384], classes: 10, submodels: ['a', 'b'] };
  const senders = (...all: readonly (readonly [name: string, featureWidth: number])[]) => ({
    classes: 10,
    submodels: all.map(([name, featureWidth]) => ({ name, featureWidth })),
  });
  const refuses = (fleet: ReturnType<typeof senders>, words: RegExp, of: typeof head = head) =>
    assert.throws(
      () => requireFleet(of, fleet, 'fusion.safetensors'),
      (error: BlockForgeError) => {
        assert.equal(error.failure.reason, 'library-invalid');
        assert.match(error.message, words);
        return true;
      },
    );

  it('lets no fusion stand over vectors of another width than the sub-models send', () => {
    requireFleet(head, senders(['a', 192], ['b', 384]), 'fusion.safetensors');
    refuses(
      senders(['a', 384], ['b', 384]),
      /^fusion\.safetensors: a fusion of vectors of 192, 384 values for 10 classes, by a, b\n {2}expected: of 384, 384 for 10/,
    );
    refuses(senders(['a', 192]), /of 192 for 10/);
    refuses({ ...senders(['a', 192], ['b', 384]), classes: 11 }, /for 11/);
  });

  it('never takes sub-models by their place alone: in another order they are refused', () => {
    const equal = { ...head, widths: [192, 192] };
    requireFleet(equal, senders(['a', 192], ['b', 192]), 'fusion.safetensors');
    refuses(senders(['b', 192], ['a', 192]), /by a, b\n {2}expected: of 192, 192 for 10, by b, a/, equal);
    refuses(senders(['a', 192], ['c', 192]), /by a, c/, equal);
    // From before heads had names.
    requireFleet({ widths: [192, 192], classes: 10 }, senders(['b', 192], ['a', 192]), 'f');
  });
});
