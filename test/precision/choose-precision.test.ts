import assert from 'node:assert/strict';
import { choosePrecision } from '../../pipeline/precision/choose-precision.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { able } from './able.ts';

const shape = { tokens: 8192, width: 768, hidden: 1536 };
const unable = { ...able, flags: [] };
const never = (): number => assert.fail('bfloat16 was tried');

describe('the precision of a descendant’s steps', () => {
  for (const [title, planned, refitError, facts, speedup, expected] of [
    ['float32 as planned, without a try', 'float32', 0.2, able, never, 'float32'],
    ['bfloat16 as planned, whatever it is worth', 'bfloat16', 1e-6, able, never, 'bfloat16'],
    ['bfloat16 where it is faster and the error large', 'measured', 0.2, able, () => 1.7, 'bfloat16'],
    ['float32 where bfloat16 is hardly faster', 'measured', 0.2, able, () => 1.1, 'float32'],
    ['float32 where the refit is too good to be rounded', 'measured', 4e-3, able, never, 'float32'],
    ['float32 where the error is no number', 'measured', NaN, able, never, 'float32'],
    ['float32 where the process cannot, without a try', 'measured', 0.2, unable, never, 'float32'],
  ] as const) {
    it(title, () => {
      assert.equal(choosePrecision(planned, refitError, shape, facts, speedup), expected);
    });
  }

  it('is refused where bfloat16 was planned for another process than this', () => {
    assert.throws(
      () => choosePrecision('bfloat16', 0.2, shape, unable, never),
      ({ failure }: BlockForgeError) =>
        failure.reason === 'engine-unavailable' && failure.next?.startsWith('--set precision=auto') === true,
    );
  });
});
