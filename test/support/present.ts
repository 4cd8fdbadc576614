import { AssertionError } from 'node:assert/strict';

/**
 * `value`, which the test takes to be there; the test fails where it is not (undefined or null), and says so.
 *
 * @param what What is looked for, in the words of the failure.
 */
export function present<T>(value: T, what = 'A value this test needs'): NonNullable<T> {
  if (value !== undefined && value !== null) return value;
  throw new AssertionError({
    message: `${what} is absent: it is ${String(value)}`,
    actual: value,
    operator: 'present',
    stackStartFn: present,
  });
}
