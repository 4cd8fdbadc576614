import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLabelFile } from '../../pipeline/checkpoint/label-file.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';

describe('a file of labels', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'labels-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const read = (content: string | Uint8Array) => {
    writeFileSync(join(folder, 'labels'), content);
    return readLabelFile(join(folder, 'labels'), 'teacher.labels');
  };
  const names = async (content: string) => (await read(content)).names;
  const refused = (promise: Promise<unknown>, words: RegExp, reason = 'file-invalid') =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof BlockForgeError, String(error));
      assert.equal(error.failure.reason, reason);
      assert.match(error.message, words);
      return true;
    });

  it('is one label a line, with any line ends, a byte order mark and an empty last line', async () => {
    assert.deepEqual(await names('\ufeffdaisy\r\nrose, Rosa\r\n\r\n'), ['daisy', 'rose, Rosa']);
    assert.deepEqual(await names('n01440764\ttench\nn01443537\tgoldfish'), [
      'n01440764 tench',
      'n01443537 goldfish',
    ]);
    assert.deepEqual(await names('10\n2\n1'), ['10', '2', '1']);
  });

  it('may number its lines, in their order only', async () => {
    assert.deepEqual(await names('0: daisy\n1: rose'), ['daisy', 'rose']);
    assert.deepEqual(await names('1 001.Black_footed\n2 002.Laysan'), ['001.Black_footed', '002.Laysan']);
    assert.deepEqual(await names('7 up\n3 musketeers'), ['7 up', '3 musketeers']);
    await refused(read('1 rose\n0 daisy'), /labels:1: the label numbered 1 on line 1/);
  });

  it('may have the numbers behind the labels or below the names of its columns; they count, or it is refused', async () => {
    assert.deepEqual(await names('rose,1\ndaisy,0\ntulip,2'), ['daisy', 'rose', 'tulip']);
    assert.deepEqual(await names('rose 2\ndaisy 1'), ['daisy', 'rose']);
    assert.deepEqual(await names('index,name\r\n0,daisy\r\n1,"rose, Rosa"\r\n'), ['daisy', 'rose, Rosa']);
    assert.deepEqual(await names('name\tindex\nrose\t1\ndaisy\t0'), ['daisy', 'rose']);
    assert.deepEqual(await names('0: crane\n1: crane\n2: ox'), ['crane', 'crane', 'ox']);
    await refused(read('rose,1\ndaisy,1'), /last column of numbers from 1 to 1/);
    await refused(read('0,rose\n2,daisy'), /first column of numbers from 0 to 2/);
    await refused(read('id,name\n1,rose\n0,daisy'), /labels:2: the label numbered 1/);
  });

  it('keeps numbers that tell its labels apart', async () => {
    const dots = ['1 dot', '2 dots', '3 dots'];
    assert.deepEqual(await names(dots.join('\n')), dots);
    assert.deepEqual(await names('class 0\nclass 1'), ['class 0', 'class 1']);
  });

  it('is a list or a dictionary of Python, and a table from label to index', async () => {
    assert.deepEqual(await names(`{0: 'tench, Tinca tinca',\n 1: "potter's wheel", 2: 'caf\\xe9',}`), [
      'tench, Tinca tinca',
      "potter's wheel",
      'café',
    ]);
    assert.deepEqual(await names(`['a', "b"]`), ['a', 'b']);
    assert.deepEqual(await names(`{'b': 1, 'a': 0}`), ['a', 'b']);
    assert.deepEqual(await names('{"cat": 1, "ant": 0}'), ['ant', 'cat']);
    await refused(read('{"1": 0, "0": 1}'), /numbers for numbers/);
    await refused(read('{"a": 0, "b": 0}'), /an index that two names have/);
    await refused(read(`{0: 'a', 1: print()}`), /not JSON/);
  });

  it('is JSON: a list, a table from index to label, a config, Keras’ table', async () => {
    assert.deepEqual(await names('["a", "b"]'), ['a', 'b']);
    assert.deepEqual(await names('{"1": "b", "0": "a"}'), ['a', 'b']);
    assert.deepEqual(await names('{"model_type": "vit", "id2label": {"1": "b", "0": "a"}}'), ['a', 'b']);
    assert.deepEqual(await names('{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}'), [
      'n01440764 tench',
      'n01443537 goldfish',
    ]);
    const timm = {
      pretrained_cfg: { label_names: ['n01440764'], label_descriptions: { n01440764: 'tench' } },
    };
    assert.deepEqual(await read(JSON.stringify(timm)), { names: ['n01440764'], descriptions: ['tench'] });
  });

  it('is refused where it is none: absent, a folder, empty, no text, too long, with gaps or control characters', async () => {
    await refused(
      readLabelFile(join(folder, 'absent'), 'teacher.labels'),
      /correct teacher\.labels/,
      'file-missing',
    );
    mkdirSync(join(folder, 'sub'));
    await refused(readLabelFile(join(folder, 'sub'), 'data.classes'), /a folder/);
    await refused(readLabelFile('/dev/zero', 'data.classes'), /no file/);
    await refused(read(''), /no labels/);
    await refused(read('{}'), /no labels/);
    await refused(read('a\n\nb'), /labels:2: an empty line/);
    await refused(read('a\n\u001b[31mb'), /labels:2: .*control characters/s);
    await refused(read(new Uint8Array([0xff, 0xfe, 0x61, 0])), /no UTF-8/);
    await refused(read('[1, 2'), /not JSON/);
    await refused(read('{"0": "a", "5": "b"}'), /the index "5" among 2/);
    await refused(read('[["a"]]'), /control characters/);
    await refused(read('x'.repeat(17e6)), /17000000 bytes/);
  });
});
