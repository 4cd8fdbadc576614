import assert from 'node:assert/strict';
import fc from 'fast-check';
import { oneLine, printable } from '../../pipeline/util/printable.ts';

// The unit "binary" of fast-check takes seconds to set up.
const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

describe('printable', () => {
  it('escapes what a terminal would obey: controls, turned directions, invisible marks, halves of characters', () => {
    assert.equal(printable('a\x1b[31mb\x9bc\x07\r'), 'a\\u001b[31mb\\u009bc\\u0007\\u000d');
    assert.equal(printable('exe.\u202egpj'), 'exe.\\u202egpj');
    assert.equal(printable('\u2066x\u2069\u2028\ufeff\ud800'), '\\u2066x\\u2069\\u2028\\ufeff\\ud800');
    assert.equal(printable('\u{e0041}'), '\\udb40\\udc41');
  });

  it('leaves words of every script, emoji and its own lines as they are', () => {
    const text = 'Käfer 甲虫 عربي می\u200cخواهم 👩\u200d🔬\n\ttwo\r\nthree';
    assert.equal(printable(text), text);
  });

  it('leaves no line break on one line', () => {
    assert.equal(oneLine('cat\n42 ran, 0 failed'), 'cat\\u000a42 ran, 0 failed');
  });

  it('leaves JSON what it was', () => {
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 20 }), (value) => {
        const text = JSON.stringify({ [value]: [value] }, null, 2);
        assert.deepEqual(JSON.parse(printable(text)), JSON.parse(text));
      }),
      { numRuns: 100 },
    );
  });
});
