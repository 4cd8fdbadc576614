import assert from 'node:assert/strict';
import { contextsOf, scoreId } from '../../pipeline/measure/contexts.ts';

const levels = (widths: readonly number[]) => widths.map((width) => ({ width }));

describe('measure/contexts', () => {
  const every = ['sparsest', 'middle', 'teacher'] as const;

  it('takes the levels that LegoDNN takes', () => {
    assert.deepEqual(contextsOf(every, levels([768, 640, 512, 384, 256])), [
      { name: 'teacher', width: 768 },
      { name: 'middle', width: 512 },
      { name: 'sparsest', width: 256 },
    ]);
    // n = 4: index floor(3 / 2) = 1, the widest descendant.
    assert.equal(contextsOf(every, levels([768, 640, 512, 384]))[1]!.width, 640);
  });

  it('always has the teacher, and nothing twice', () => {
    assert.deepEqual(contextsOf(['sparsest'], levels([768, 384])), [
      { name: 'teacher', width: 768 },
      { name: 'sparsest', width: 384 },
    ]);
    assert.deepEqual(
      contextsOf(every, levels([768, 384])).map(({ name }) => name),
      ['teacher', 'sparsest'],
    );
    assert.deepEqual(contextsOf([], levels([768])), [{ name: 'teacher', width: 768 }]);
  });

  it('names a model once, whichever way it is reached', () => {
    const contexts = contextsOf(every, levels([768, 512, 256]));
    const teacher = contexts[0]!;
    const middle = contexts[1]!;
    assert.equal(scoreId(teacher, 3, 512), 'block-03/w0512');
    assert.equal(scoreId(teacher, 3, 768), 'teacher');
    assert.equal(scoreId(middle, 3, 256), 'middle/block-03/w0256');
    assert.equal(scoreId(middle, 3, 768), 'middle/block-03/w0768');
    assert.equal(scoreId(middle, 3, 512), 'middle');
  });
});
