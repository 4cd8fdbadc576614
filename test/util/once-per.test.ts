import assert from 'node:assert/strict';
import { oncePer } from '../../pipeline/util/once-per.ts';

describe('a function that is asked once per object', () => {
  it('remembers what it gave, and not what it threw', () => {
    let asked = 0;
    const once = oncePer((key: { readonly fails: boolean }) => {
      asked++;
      if (key.fails && asked === 1) throw new Error('not yet');
      return { asked };
    });
    const first = { fails: true };
    assert.throws(() => once(first), /not yet/);
    assert.equal(once(first).asked, 2);
    assert.equal(once(first), once(first));
    assert.equal(once({ fails: false }).asked, 3);
  });
});
