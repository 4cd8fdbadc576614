import assert from 'node:assert/strict';
import { formatBytes, formatCount } from '../../pipeline/util/format.ts';

describe('counts and sizes in messages', () => {
  it('have three digits, whole where they are below a thousand', () => {
    assert.deepEqual([formatCount(0), formatCount(999), formatCount(5_717_416)], ['0', '999', '5.72 M']);
    assert.deepEqual([formatBytes(512), formatBytes(78_740)], ['512 B', '78.7 kB']);
  });

  it('have three digits where a limit is a share of something, whatever the floats leave', () => {
    assert.equal(formatBytes(78_740 * 1e-6), '0.0787 B');
    assert.equal(formatCount(336_576 * 1e-6), '0.337');
  });
});
