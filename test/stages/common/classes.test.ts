import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClassLabels } from '../../../pipeline/checkpoint/class-labels.ts';
import { configSchema } from '../../../pipeline/config/schema.ts';
import { requireSeveral, resolveClasses } from '../../../pipeline/stages/common/classes.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';

describe('which class is which output of the teacher', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'classes-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  interface Given {
    readonly names: readonly string[];
    readonly ordered?: boolean;
    readonly empty?: readonly string[];
    /** Beside the checkpoint. */
    readonly own?: ClassLabels | (() => never);
    readonly labelFields?: readonly string[];
    readonly labels?: string | readonly string[];
    readonly data?: object;
    readonly count?: number;
    readonly trained?: boolean;
  }
  const resolve = ({
    names,
    ordered = false,
    empty,
    own,
    labelFields,
    labels,
    data,
    count = names.length,
    trained = false,
  }: Given) => {
    const config = configSchema.parse({
      teacher: { checkpoint: 'x', labels },
      data: { source: ordered ? 'idx' : 'folder', path: 'x', ...data },
    });
    return resolveClasses(
      { config, file: 'c.yaml' },
      { names, ordered, empty },
      { count, trained, labelFields, labels: typeof own === 'function' ? own : () => own },
    );
  };
  const names = (...list: readonly string[]) => ({ names: list });
  const refused = (given: Given, ...words: readonly RegExp[]) =>
    assert.rejects(resolve(given), (error) => {
      assert.ok(error instanceof BlockForgeError, String(error));
      for (const word of words) assert.match(error.message, word);
      return true;
    });
  const flowers = ['daisy', 'dandelion', 'rose'];
  const trainedOrder = names('rose', 'daisy', 'dandelion');

  it('is told by the labels beside the checkpoint, by name', async () => {
    const found = await resolve({ names: flowers, own: trainedOrder });
    assert.deepEqual(found.folders, ['rose', 'daisy', 'dandelion']);
    assert.deepEqual([found.names, found.subset, found.by], [found.folders, null, 'labels']);
    assert.match(found.rule, /by name to the labels beside the checkpoint: all exactly/);
  });

  it('is told by teacher.labels before those, which may still name the classes', async () => {
    const own = names('Tinca tinca', 'goldfish', 'great white shark');
    const labels = join(folder, 'wordnet.txt');
    writeFileSync(labels, 'n01440764\nn01443537\nn01484850\n');
    const found = await resolve({ names: ['n01443537', 'n01484850', 'n01440764'], own, labels });
    assert.deepEqual(found.folders, ['n01440764', 'n01443537', 'n01484850']);
    assert.deepEqual(found.names, own.names);
    const lines = ['n01440764 tench, Tinca tinca', 'n01443537 goldfish', 'n01484850 shark'];
    const named = await resolve({ names: ['n01443537', 'n01484850', 'n01440764'], labels: lines });
    assert.deepEqual(named.names, ['tench, Tinca tinca', 'goldfish', 'shark']);
  });

  it('is a part of the teacher where the data has some of its classes, in its order', async () => {
    const labels = ['n01440764', 'n01443537', 'n01484850', 'n01491361'];
    const found = await resolve({ names: ['n01491361', 'n01443537'], labels, count: 4 });
    assert.deepEqual(found.folders, ['n01443537', 'n01491361']);
    assert.deepEqual(found.subset, { of: 4, indices: [1, 3] });
    assert.match(found.notes.join(), /2 of its 4 classes/);
  });

  it('is not guessed where classes and labels differ: the first that do are named, with what may be done', async () => {
    await refused(
      { names: flowers, own: names('rose', 'daisy', 'tulip') },
      /1 of the data's 3 classes are none of the labels: "dandelion"/,
      /one of the labels beside the checkpoint: "rose", "daisy", "tulip"/,
      /--set data\.classOrder=code-unit/,
    );
    await refused(
      { names: ['crane', 'goose'], labels: ['crane', 'crane', 'goose'], count: 3 },
      /"crane" may be label 0 "crane" or 1 "crane"/,
    );
    await refused(
      { names: flowers, count: 1000 },
      /3 classes in the data, 1000 in the teacher/,
      /teacher\.labels: FILE/,
    );
    await refused(
      { names: [...flowers, 'logs'], empty: ['logs'], count: 3 },
      /4 classes in the data, 3 in the teacher; the data has no image of "logs"/,
      /remove the folders without images/,
    );
    await refused({ names: flowers, labels: ['a', 'b'] }, /teacher\.labels: 2 labels/, /expected: 3/);
    await refused({ names: [...flowers, 'junk'], labels: flowers, count: 3 }, /"junk"/, /data\.classes/);
    await refused(
      { names: ['a', 'b'], labels: ['a', 'b', 'c'], count: 3, trained: true },
      /2 classes in the data, 3/,
    );
  });

  it('is an order that is said where only folders are known, and where the config says one', async () => {
    const numbers = ['10', '2', '1'];
    const plain = await resolve({ names: numbers });
    assert.deepEqual([plain.folders, plain.by], [['1', '10', '2'], 'folders']);
    assert.match(plain.rule, /sorted by code units/);
    const natural = await resolve({ names: numbers, data: { classOrder: 'natural' } });
    assert.deepEqual([natural.folders, natural.by], [['1', '2', '10'], 'config']);
    const listed = await resolve({ names: flowers, data: { classOrder: ['rose', 'Daisy', 'dandelion'] } });
    assert.deepEqual([listed.folders, listed.by], [['rose', 'daisy', 'dandelion'], 'config']);
    writeFileSync(join(folder, 'order.txt'), 'dandelion\nrose\ndaisy\n');
    const filed = await resolve({
      names: flowers,
      data: { classOrder: 'file', classFile: join(folder, 'order.txt') },
    });
    assert.deepEqual(filed.folders, ['dandelion', 'rose', 'daisy']);
  });

  it('is what the config says though labels say otherwise, with a warning; labels that fit it name the classes', async () => {
    const found = await resolve({ names: flowers, own: trainedOrder, data: { classOrder: 'code-unit' } });
    assert.deepEqual([found.folders, found.names], [flowers, flowers]);
    assert.match(found.notes.join(), /"daisy" is output 0; the labels beside the checkpoint would say 1/);
    const own = names('tench, Tinca tinca', 'goldfish');
    const named = await resolve({
      names: ['n01440764', 'n01443537'],
      own,
      data: { classOrder: 'code-unit' },
    });
    assert.deepEqual([named.names, named.notes], [own.names, []]);
  });

  it('is refused where teacher.labels contradict the labels beside the checkpoint, with the first differences', async () => {
    const labels = ['daisy', 'rose', 'dandelion'];
    await refused(
      { names: flowers, own: trainedOrder, labels, labelFields: ['id2label', 'label2id'] },
      /teacher\.labels: 2 outputs are called otherwise than by the labels beside the checkpoint/,
      /output 0 is "rose" there and "daisy" here; output 1 is "daisy" there and "rose" here/,
      /ignoreFields: \[id2label, label2id\]/,
    );
    const described = { names: ['n01', 'n02'], descriptions: ['tench, Tinca tinca', 'goldfish'] };
    await refused(
      { names: ['tench', 'goldfish'], own: described, labels: ['goldfish', 'tench'] },
      /2 outputs/,
    );
    // Other words for an output contradict nothing.
    const synonyms = names('rose, Rosa', 'daisy', 'lion’s tooth');
    const agreeing = await resolve({ names: flowers, own: synonyms, labels: trainedOrder.names });
    assert.deepEqual([agreeing.folders, agreeing.notes], [trainedOrder.names, []]);
    const cranes = { names: ['crane', 'crane', 'ox'], own: names('crane', 'crane', 'ox') };
    assert.deepEqual((await resolve({ ...cranes, data: { classOrder: 'code-unit' } })).notes, []);
  });

  it('is told by labels that cannot be compared with those beside the checkpoint, which is said', async () => {
    const labels = ['n01440764', 'n01443537'];
    const found = await resolve({ names: [...labels].reverse(), own: names('tench', 'goldfish'), labels });
    assert.deepEqual([found.folders, found.names], [labels, ['tench', 'goldfish']]);
    assert.match(found.notes.join(), /could not be compared .* no name in common/);
  });

  it('is the order of a list in the config, whose names then are not those of labels with another order', async () => {
    const found = await resolve({ names: flowers, own: trainedOrder, data: { classOrder: flowers } });
    assert.deepEqual([found.folders, found.names], [flowers, flowers]);
    assert.match(
      found.notes.join(),
      /beside the checkpoint say another order than data\.classOrder, which counts/,
    );
  });

  it('tells which classes were not found by the same name', async () => {
    const found = await resolve({ names: ['Rose', 'daisy', 'dandelion'], own: trainedOrder });
    assert.match(found.rule, /2 exactly, 1 but for case, spaces and punctuation \("Rose" is "rose"\)/);
  });

  it('advises the natural order for folders that are numbers', async () => {
    const numbers = ['0', '1', '10'];
    await refused({ names: numbers, own: trainedOrder }, /--set data\.classOrder=natural/);
  });

  it('takes no class twice, and no name of a column for a label', async () => {
    await refused({ names: flowers, data: { classes: ['rose', 'rose'] } }, /"rose" is repeated/);
    await refused({ names: flowers, labels: ['name', ...flowers] }, /4 labels, the first of them "name"/);
  });

  it('is the data’s own numbers where it has numbers, which labels then name', async () => {
    const own = names('T-shirt/top', 'Trouser', 'Pullover');
    const found = await resolve({ names: ['0', '1', '2'], ordered: true, own });
    assert.deepEqual([found.folders, found.names], [['0', '1', '2'], own.names]);
    const permuted = await resolve({ names: ['0', '1', '2'], ordered: true, own: names('2', '0', '1') });
    assert.deepEqual(permuted.folders, ['2', '0', '1']);
    const alone = await resolve({ names: ['0', '1', '2'], ordered: true });
    assert.deepEqual([alone.by, alone.names], ['numbers', ['0', '1', '2']]);
    // Labels that only number the outputs say nothing of folders.
    assert.equal((await resolve({ names: flowers, own: names('0', '1', '2') })).by, 'folders');
  });

  it('is of the classes that data.classes names, by the data’s names or the labels’', async () => {
    const labels = ['n01440764 tench', 'n01443537 goldfish', 'n01484850 shark'];
    const folders = ['n01440764', 'n01443537', 'n01484850', 'notes'];
    const found = await resolve({
      names: folders,
      labels,
      count: 3,
      data: { classes: ['shark', 'n01440764'] },
    });
    assert.deepEqual(found.folders, ['n01440764', 'n01484850']);
    assert.deepEqual(found.subset, { of: 3, indices: [0, 2] });
    assert.match(found.notes[0] ?? '', /2 classes of the data are left out.*"n01443537", "notes"/);
    await refused(
      { names: flowers, data: { classes: ['rose', 'tulip'] } },
      /1 of its 2 names are no class of the data.*"tulip"/s,
    );
    await refused(
      { names: ['a', 'b'], count: 3, data: { classes: ['a', 'b', 'c'] } },
      /next: teacher\.labels: FILE, if these are the labels of the teacher's 3 outputs/,
    );
  });

  it('does not need damaged labels where others are given', async () => {
    const own = () => {
      throw new BlockForgeError({ reason: 'file-invalid', subject: 'config.json', found: 'damaged' });
    };
    await refused({ names: flowers, own }, /damaged/);
    assert.deepEqual((await resolve({ names: flowers, own, labels: flowers })).folders, flowers);
    assert.deepEqual(
      (await resolve({ names: flowers, own, data: { classOrder: 'natural' } })).folders,
      flowers,
    );
  });

  it('are two at least: of one every answer is right', () => {
    assert.throws(
      () => requireSeveral({ names: ['cat'] }, 'a.yaml'),
      /a\.yaml: data: one class, "cat".*two classes at least/s,
    );
    requireSeveral({ names: ['cat', 'dog'] }, 'a.yaml');
  });
});
