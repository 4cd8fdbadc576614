import assert from 'node:assert/strict';
import { cleanLabel, huggingfaceLabels, timmLabels } from '../../pipeline/checkpoint/class-labels.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';

describe('the labels beside a checkpoint', () => {
  const refused = (call: () => unknown, words: RegExp) => {
    assert.throws(call, (error) => {
      assert.ok(error instanceof BlockForgeError, String(error));
      assert.equal(error.failure.reason, 'file-invalid');
      assert.match(error.message, words);
      assert.match(error.message, /teacher\.labels: FILE/);
      return true;
    });
  };

  it('are id2label by index, whatever the order of its members', () => {
    const labels = huggingfaceLabels({ id2label: { 2: 'c', 10: 'k', 0: 'a', ...tail } }, 'config.json');
    assert.deepEqual(labels, { names: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'] });
  });
  const tail = { 1: 'b', 3: 'd', 4: 'e', 5: 'f', 6: 'g', 7: 'h', 8: 'i', 9: 'j' };

  it('are label2id where id2label is not there or says nothing; placeholders are no labels', () => {
    const label2id = { rose: 1, daisy: 0 };
    const placeholders = { 0: 'LABEL_0', 1: 'LABEL_1' };
    assert.deepEqual(huggingfaceLabels({ label2id }, 'x'), { names: ['daisy', 'rose'] });
    assert.deepEqual(huggingfaceLabels({ id2label: placeholders, label2id }, 'x'), {
      names: ['daisy', 'rose'],
    });
    assert.equal(huggingfaceLabels({ id2label: placeholders }, 'x'), undefined);
    assert.equal(huggingfaceLabels({}, 'x'), undefined);
    const named = { 0: 'daisy', 1: 'rose' };
    const left = { LABEL_0: 0, LABEL_1: 1 };
    assert.deepEqual(huggingfaceLabels({ id2label: named, label2id: left }, 'x'), {
      names: ['daisy', 'rose'],
    });
  });

  it('are refused where the two tables contradict each other, but for a label that is there twice', () => {
    refused(
      () => huggingfaceLabels({ id2label: { 0: 'a', 1: 'b' }, label2id: { a: 1, b: 0 } }, 'config.json'),
      /config\.json: label2id says that "b" is class 0, id2label that it is "a"/,
    );
    const twice = { id2label: { 0: 'crane', 1: 'crane' }, label2id: { crane: 1 } };
    assert.deepEqual(huggingfaceLabels(twice, 'x'), { names: ['crane', 'crane'] });
  });

  it('are refused with gaps, foreign indices, and what is no line of text', () => {
    refused(() => huggingfaceLabels({ id2label: { 0: 'a', 2: 'b' } }, 'x'), /the index "2" among 2/);
    refused(
      () => huggingfaceLabels({ id2label: { '00': 'a', '0': 'b' } }, 'x'),
      /the index "00"|the index "0"/,
    );
    refused(() => huggingfaceLabels({ id2label: { first: 'a' } }, 'x'), /the index "first"/);
    for (const odd of ['a\nb', '\u001b[31mred', '', '   ', 'x'.repeat(3000), 'a\u202eb', null, ['a'], {}]) {
      refused(
        () => cleanLabel(odd, 'config.json, id2label["0"]'),
        /config\.json, id2label\["0"\]: .*line of text/s,
      );
    }
    assert.equal(cleanLabel(' T-shirt  /  top ', 'x'), 'T-shirt / top');
    assert.equal(cleanLabel(7, 'x'), '7');
    assert.equal(cleanLabel('Äpfel 🍎', 'x'), 'Äpfel 🍎');
  });

  it('are timm’s names with their descriptions, of the config or its pretrained_cfg', () => {
    const given = {
      label_names: ['n01440764', 'n01443537'],
      label_descriptions: { n01440764: 'tench, Tinca tinca' },
    };
    assert.deepEqual(timmLabels({}, given, 'x'), {
      names: ['n01440764', 'n01443537'],
      descriptions: ['tench, Tinca tinca', 'n01443537'],
    });
    assert.deepEqual(timmLabels({ label_names: ['a'] }, given, 'x')?.names, ['a']);
    assert.equal(timmLabels({}, {}, 'x'), undefined);
    refused(
      () => timmLabels({ label_names: ['a', 3.5, {}] }, {}, 'c.json'),
      /c\.json, label_names\[2\]: an object/,
    );
  });
});
