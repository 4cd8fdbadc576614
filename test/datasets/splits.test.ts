import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Origin, Source, Splits } from '../../datasets/contract.ts';
import { refuseOverlap } from '../../datasets/overlap.ts';
import { createPreparer } from '../../datasets/prepare.ts';
import { makeSplits } from '../../datasets/splits.ts';
import type { Config } from '../../pipeline/config/schema.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { failure, memorySource, plain } from './fakes.ts';

type Sizes = { calibration: number; selection: number; test: number };
/** `own`: selection from the training part, as a teacher that is trained here has it. */
const settings = (splits: Sizes, maxCorruptShare = 0.01, own = false) => ({
  splits: own ? { ...splits, selection: { images: splits.selection, from: 'train' as const } } : splits,
  maxCorruptShare,
});
const ids = (splits: Splits, name: keyof Splits['items']) => splits.items[name].map(({ id }) => id);

/** `perClass[label]` images of each class; with `own`, that many in train and half as many in test. */
function balanced(perClass: readonly number[], own = false): Source {
  let content = 0;
  return memorySource(
    perClass.flatMap((count, label) =>
      (own ? (['train', 'test'] as const) : (['all'] as const)).flatMap((origin) =>
        Array.from({ length: origin === 'test' ? Math.ceil(count / 2) : count }, (_, i) => ({
          id: `${origin}/${label}/${i}`,
          label,
          origin,
          content: content++,
        })),
      ),
    ),
  );
}

const cases = fc.record({
  perClass: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
  parts: fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
  seed: fc.nat(1000),
  own: fc.boolean(),
  needTrain: fc.boolean(),
});

function sizesFor(
  perClass: readonly number[],
  [test, selection, calibration]: [number, number, number],
  own: boolean,
) {
  const total = perClass.reduce((a, b) => a + b, 0);
  const tests = own ? perClass.reduce((a, b) => a + Math.ceil(b / 2), 0) : total;
  return {
    test: Math.floor((tests * test) / 28),
    selection: Math.floor((total * selection) / 28),
    calibration: Math.floor((total * calibration) / 28),
  };
}

describe('makeSplits', () => {
  it('draws disjoint, stratified splits of the sizes asked for', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ perClass, parts, seed, own, needTrain }) => {
        const source = balanced(perClass, own);
        const sizes = sizesFor(perClass, parts, own);
        const splits = await makeSplits(source, settings(sizes, 0.01, own), { seed, needTrain });
        for (const name of ['calibration', 'selection', 'test'] as const) {
          assert.equal(splits.items[name].length, sizes[name]);
        }
        const exclusive = [
          ...ids(splits, needTrain ? 'train' : 'calibration'),
          ...ids(splits, 'selection'),
          ...ids(splits, 'test'),
        ];
        assert.equal(new Set(exclusive).size, exclusive.length);
        if (needTrain) {
          const train = new Set(ids(splits, 'train'));
          assert.ok(ids(splits, 'calibration').every((id) => train.has(id)));
          const pool = source.items.filter(({ origin }) => origin !== 'test').length;
          assert.equal(train.size, pool - sizes.selection - (own ? 0 : sizes.test));
        } else assert.equal(splits.items.train.length, 0);
        if (own) {
          assert.ok(ids(splits, 'test').every((id) => id.startsWith('test/')));
          assert.ok(ids(splits, 'selection').every((id) => id.startsWith('train/')));
        }
        // Each split is proportional, to within one image per class, to what the earlier ones left of the class.
        const left = perClass.map((count) => (own ? Math.ceil(count / 2) : count));
        const stratified = (name: 'test' | 'selection' | 'calibration', pool: number[]) => {
          const total = pool.reduce((a, b) => a + b, 0);
          const size = sizes[name];
          pool.forEach((count, label) => {
            const drawn = splits.items[name].filter((item) => item.label === label).length;
            assert.ok(Math.abs(drawn - (count * size) / Math.max(1, total)) < 1);
            pool[label]! -= drawn;
          });
        };
        const trainLeft = own ? [...perClass] : left;
        stratified('selection', trainLeft);
        stratified('calibration', trainLeft);
        stratified('test', left);
      }),
      { numRuns: 60 },
    );
  });

  it('depends on the seed, not on the order of asking or the other sizes', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ perClass, parts, seed, own, needTrain }) => {
        const source = balanced(perClass, own);
        const sizes = sizesFor(perClass, parts, own);
        const drawn = (some: Sizes, trains = needTrain) =>
          makeSplits(source, settings(some, 0.01, own), { seed, needTrain: trains });
        const first = await drawn(sizes);
        assert.deepEqual(await drawn(sizes), first);
        const other = await drawn({ ...sizes, test: Math.floor(sizes.test / 2) }, !needTrain);
        assert.deepEqual(other.items.selection, first.items.selection);
        assert.deepEqual(other.items.calibration, first.items.calibration);
        assert.equal(other.hashes.calibration, first.hashes.calibration);
        const fewer = await drawn({ ...sizes, calibration: 0 });
        assert.deepEqual(fewer.items.selection, first.items.selection);
        if (own) assert.deepEqual(fewer.items.test, first.items.test);
      }),
      { numRuns: 30 },
    );
    const source = balanced([50, 50]);
    const sizes = { test: 20, selection: 20, calibration: 20 };
    const one = await makeSplits(source, settings(sizes), { seed: 1, needTrain: false });
    const two = await makeSplits(source, settings(sizes), { seed: 2, needTrain: false });
    assert.notDeepEqual(ids(one, 'test'), ids(two, 'test'));
    assert.notEqual(one.hashes.test, two.hashes.test);
  });

  it('says how many images there are when too few', async () => {
    const sizes = { test: 5, selection: 4, calibration: 3 };
    await assert.rejects(
      makeSplits(balanced([5, 6]), settings(sizes), { seed: 1, needTrain: false }),
      failure(
        'data-invalid',
        '11 images',
        'at least 12 (test 5 + selection 4 + calibration 3)',
        'data.splits.test',
      ),
    );
    await assert.rejects(
      makeSplits(balanced([4, 4], true), settings(sizes), { seed: 1, needTrain: true }),
      failure('data-invalid', '4 test images', 'at least 5'),
    );
  });

  describe('from a source of several parts', () => {
    /** Ten classes; how many images each part has. */
    const parted = (parts: Partial<Record<Origin, number>>) =>
      memorySource(
        Object.entries(parts).flatMap(([origin, count]) =>
          Array.from({ length: count }, (_, i) => ({
            id: `${origin}/${i}`,
            label: i % 10,
            origin: origin as Origin,
            content: `${origin} ${i}`,
          })),
        ),
      );
    const partsOf = (splits: Splits, name: keyof Splits['items']) =>
      [...new Set(ids(splits, name).map((id) => id.split('/')[0]))].join();
    const sizes = { test: 20, selection: 30, calibration: 40 };
    const make = (
      source: Source,
      splits: Parameters<typeof makeSplits>[1]['splits'] = sizes,
      needTrain = false,
    ) => makeSplits(source, { splits, maxCorruptShare: 0.01 }, { seed: 1, needTrain });

    it('selects and tests on images that the teacher was not trained on', async () => {
      const table: [Partial<Record<Origin, number>>, trains: boolean, from: string][] = [
        [{ all: 200 }, false, 'all all all'],
        [{ train: 100, val: 100 }, false, 'train val val'],
        [{ train: 100, test: 100 }, false, 'train test test'],
        [{ train: 100, val: 100, test: 100 }, false, 'train val test'],
        [{ val: 100, test: 100 }, false, 'val val test'],
        // What is selected from is left out of a training that is done here.
        [{ train: 100, test: 100 }, true, 'train train test'],
        [{ train: 100, val: 100 }, true, 'train val val'],
        [{ train: 100, val: 100, test: 100 }, true, 'train val test'],
      ];
      for (const [parts, trains, from] of table) {
        const splits = await make(parted(parts), sizes, trains);
        const found = (['calibration', 'selection', 'test'] as const).map((name) => partsOf(splits, name));
        assert.equal(found.join(' '), from);
        const { sources } = splits;
        const told = [sources.calibration, sources.selection, sources.test].map((source) => source.from);
        assert.equal(told.join(' '), from);
        assert.ok(!sources.selection.mayBeTrainedOn && !sources.test.mayBeTrainedOn);
        const exclusive = [...ids(splits, trains ? 'train' : 'calibration')];
        exclusive.push(...ids(splits, 'selection'), ...ids(splits, 'test'));
        assert.equal(new Set(exclusive).size, exclusive.length);
        if (trains) assert.equal(partsOf(splits, 'train'), 'train');
      }
    });

    it('does as it is told, and says where the teacher may have been trained on the images', async () => {
      const source = parted({ train: 100, val: 100, test: 100 });
      const from = (part: Origin, more = {}) => ({ images: 30, from: part, ...more });
      const flagged = async (splits: Partial<Config['data']['splits']>, trains = false) => {
        const { sources } = await make(source, { ...sizes, ...splits }, trains);
        return [sources.selection.mayBeTrainedOn, sources.test.mayBeTrainedOn];
      };
      assert.deepEqual(await flagged({ selection: from('train') }), [true, false]);
      assert.deepEqual(await flagged({ selection: from('all'), test: from('train') }), [true, true]);
      assert.deepEqual(await flagged({ selection: from('train', { unseen: true }) }), [false, false]);
      assert.deepEqual(await flagged({ selection: from('train') }, true), [false, false]);
      const splits = await make(source, { ...sizes, calibration: from('test'), selection: from('test') });
      assert.deepEqual([partsOf(splits, 'calibration'), partsOf(splits, 'selection')], ['test', 'test']);
    });

    it('never draws an image twice where parts overlap', async () => {
      const source = parted({ train: 60, val: 50 });
      const all = { images: 30, from: 'all' as const };
      for (const splits of [
        { test: all, selection: { images: 30, from: 'val' as const }, calibration: all },
        { test: { images: 40, from: 'val' as const }, selection: all, calibration: 30 },
      ]) {
        const drawn = await make(source, splits);
        const every = (['calibration', 'selection', 'test'] as const).flatMap((name) => ids(drawn, name));
        assert.equal(new Set(every).size, every.length);
        assert.deepEqual(drawn.skipped, []);
      }
    });

    it('leaves the other splits alone when the test has another size', async () => {
      for (const parts of [
        { train: 100, val: 100 },
        { train: 100, test: 100 },
        { train: 50, val: 60, test: 90 },
        { all: 150 },
        { train: 150 },
      ]) {
        const few = await make(parted(parts));
        const more = await make(parted(parts), { ...sizes, test: 30 });
        assert.deepEqual(more.items.selection, few.items.selection);
        assert.deepEqual(more.items.calibration, few.items.calibration);
        assert.equal(more.items.test.length, 30);
      }
    });

    it('draws no more than the split that is asked for needs', async () => {
      const source = parted({ train: 100, val: 100 });
      const all = await make(source);
      for (const until of ['calibration', 'selection', 'test'] as const) {
        const some = await makeSplits(
          source,
          { splits: sizes, maxCorruptShare: 0 },
          { seed: 1, needTrain: false, until },
        );
        assert.deepEqual(some.items[until], all.items[until]);
        assert.equal(some.items.calibration.length > 0, until === 'calibration');
      }
    });

    it('says what every part has when one has too few, and what can be done', async () => {
      const few = parted({ train: 100, val: 45, test: 0 });
      await assert.rejects(
        make(few),
        failure(
          'data-invalid',
          '45 validation images; the data has train 100, val 45',
          'at least 50 (test 20 + selection 30)',
        ),
      );
      const error = await make(few).catch((reason: unknown) => reason as BlockForgeError);
      const { next } = (error as BlockForgeError).failure;
      assert.equal(
        next,
        'lower data.splits.test or data.splits.selection; or take test from train (every table warns of that): ' +
          'data.splits.test: { images: 20, from: train }; or add images',
      );
      // Done as it says, it is accepted.
      const { sources } = await make(few, { ...sizes, test: { images: 20, from: 'train' } });
      assert.equal(sources.test.mayBeTrainedOn, true);
      await assert.rejects(
        make(parted({ train: 100, val: 80, test: 10 })),
        failure(
          'data-invalid',
          'lower data.splits.test to at most 10; or take test from val: data.splits.test: { images: 20, from: val }',
        ),
      );
      await assert.rejects(
        make(few, { ...sizes, test: { images: 20, from: 'test' } }),
        failure('data-invalid', 'data.splits.test.from', 'no such part', 'train, val, all'),
      );
    });
  });

  it('keeps one of several images with the same content, and warns', async () => {
    const entries = Array.from({ length: 40 }, (_, i) => ({ id: `${i}`, label: i % 2, content: i }));
    const copies = Array.from({ length: 40 }, (_, i) => ({
      id: `copy ${i}`,
      label: (i + (i === 0 ? 1 : 0)) % 2,
      content: i,
    }));
    const warnings: string[] = [];
    const splits = await makeSplits(
      memorySource([...entries, ...copies]),
      settings({ test: 10, selection: 10, calibration: 10 }),
      { seed: 1, needTrain: true },
      { warn: (message) => warnings.push(message) },
    );
    const all = [...splits.items.train, ...splits.items.selection, ...splits.items.test];
    assert.equal(all.length, 40);
    assert.equal(new Set(all.map((item) => item.sha256)).size, 40);
    assert.equal(splits.skipped.length, 40);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]!,
      /^40 duplicate images left out, 1 of them under another class \(e\.g\. .* = .*\)$/,
    );
  });

  describe('where parts have images in common', () => {
    /** Of `train` and `val`, as many each, the first `shared` have the same content in both. */
    const sharing = (count: number, shared: number) =>
      (['train', 'val'] as const).flatMap((origin) =>
        Array.from({ length: count }, (_, i) => ({
          id: `${origin}/${i}`,
          label: i % 2,
          origin,
          content: i < shared ? i : `${origin} ${i}`,
        })),
      );
    const draw = async (source: Source, splits: Sizes, needTrain = false) => {
      const warnings: string[] = [];
      const warn = (message: string) => warnings.push(message);
      const drawn = await makeSplits(source, settings(splits), { seed: 1, needTrain }, { warn });
      return { ...drawn, warnings };
    };

    it('selects and tests on none whose content was drawn of the training images, and counts them', async () => {
      const source = memorySource(sharing(100, 60), { packed: false });
      const { items, skipped, warnings } = await draw(source, { test: 20, selection: 20, calibration: 50 });
      const known = new Set(items.calibration.map((item) => item.sha256));
      assert.ok([...items.selection, ...items.test].every((item) => !known.has(item.sha256)));
      assert.deepEqual(
        [items.calibration, items.selection, items.test].map(({ length }) => length),
        [50, 20, 20],
      );
      assert.ok(skipped.length > 3 && skipped.every(({ id }) => id.startsWith('val/')));
      assert.equal(warnings.length, 1);
      assert.match(
        warnings[0]!,
        new RegExp(
          `^${skipped.length} images of one part .*\\(e\\.g\\. (val/\\d+ = train/\\d+(; )?){3}\\); only .* drawn`,
        ),
      );
    });

    it('trains on none that it selects or tests on, where it trains', async () => {
      const source = memorySource(sharing(50, 50), { packed: false });
      const { items } = await draw(source, { test: 25, selection: 25, calibration: 0 }, true);
      assert.deepEqual([items.train.length, items.selection.length, items.test.length], [0, 25, 25]);
    });

    it('says how many are left where they are too few', async () => {
      const source = memorySource(sharing(20, 20), { packed: false });
      const sizes = { test: 5, selection: 5, calibration: 12 };
      await assert.rejects(
        draw(source, sizes),
        failure(
          'data-invalid',
          '3 usable images left for test, without 12 with',
          'data.splits.test to at most 3',
        ),
      );
      assert.equal((await draw(source, { ...sizes, test: 3 })).items.test.length, 3);
    });

    it('keeps the whole test part of a packed benchmark', async () => {
      const entries = Array.from({ length: 20 }, (_, i) => ({
        id: `${i < 10 ? 'train' : 'test'}/${i}`,
        label: 0,
        origin: i < 10 ? ('train' as const) : ('test' as const),
        content: i === 13 ? 4 : i,
      }));
      const options = { seed: 1, needTrain: false };
      // The training copy gives way, so ten images become nine.
      const packed = await makeSplits(
        memorySource(entries),
        settings({ test: 10, selection: 3, calibration: 6 }, 0.01, true),
        options,
      );
      assert.deepEqual(packed.skipped, [{ id: 'train/4', why: 'the same content as test/13' }]);
    });
  });

  it('redraws the splits of libraries that drew the test first', async () => {
    const source = balanced([50, 50]);
    const options = { seed: 1, needTrain: false };
    const sizes = settings({ test: 20, selection: 20, calibration: 20 });
    const now = await makeSplits(source, sizes, options);
    const before = await makeSplits(source, sizes, { ...options, testFirst: true });
    // As they were drawn then: the first draw is the same whichever split it is for.
    assert.equal(before.hashes.test.slice(0, 12), '0368dccccabb');
    assert.equal(before.hashes.selection.slice(0, 12), 'a6b42fcc5c76');
    assert.equal(before.hashes.calibration.slice(0, 12), '556ff36e1763');
    assert.notEqual(before.hashes.selection, now.hashes.selection);
  });

  it('replaces unusable images by others of their class, up to the share allowed', async () => {
    const entries = Array.from({ length: 200 }, (_, i) => ({
      id: String(i),
      label: i % 2,
      content: i % 20 === 3 ? `broken ${i}` : i,
    }));
    const source = memorySource(entries);
    const sizes = { test: 40, selection: 40, calibration: 40 };
    const options = { seed: 3, needTrain: false, preparer: createPreparer(source, plain) };
    const splits = await makeSplits(source, settings(sizes, 0.1), options);
    assert.equal(splits.items.calibration.length, 40);
    assert.ok(splits.skipped.length > 0);
    assert.ok(splits.skipped.every(({ id, why }) => Number(id) % 20 === 3 && why === 'not sixteen bytes'));
    for (const name of ['test', 'selection', 'calibration'] as const) {
      // Only class 1 has unusable images, so each draw leaves a little less of it for the next.
      const odd = splits.items[name].filter(({ label }) => label === 1).length;
      assert.ok(odd >= 18 && odd <= 20, `${name}: ${odd} of class 1`);
    }
    await assert.rejects(
      makeSplits(source, settings(sizes, 0.01), options),
      failure(
        'data-invalid',
        /4 unusable images.*\d+ \(not sixteen bytes\); \d+ \(not sixteen/,
        'at most 1 ',
        '--set data.maxCorruptShare=0.034',
      ),
    );
    // Done as it says, it is accepted, and they are no duplicates.
    const warnings: string[] = [];
    await makeSplits(source, settings(sizes, 0.034), options, { warn: (message) => warnings.push(message) });
    assert.match(warnings.join('|'), /^4 unusable images skipped, e\.g\. (\d+: not sixteen bytes(; )?){3}$/);
  });

  it('stops early where very many are unusable, and names a class that has none left', async () => {
    const broken = (count: number, from: number, packed = true) =>
      memorySource(
        Array.from({ length: count }, (_, i) => ({
          id: String(i),
          label: i % 2,
          content: i % 2 === 1 && i >= from ? `broken ${i}` : i,
        })),
        { packed },
      );
    const many = broken(4000, 0);
    const options = (source: Source) => ({
      seed: 3,
      needTrain: false,
      preparer: createPreparer(source, plain),
    });
    const sizes = { test: 1000, selection: 500, calibration: 500 };
    await assert.rejects(
      makeSplits(many, settings(sizes, 0.01), options(many)),
      failure('data-invalid', 'at least 140 unusable images', 'at most 20 ', 'more than 0.07'),
    );
    const few = broken(60, 0);
    const warnings: string[] = [];
    const small = { test: 8, selection: 8, calibration: 8 };
    const { items } = await makeSplits(few, settings(small, 1), options(few), {
      warn: (message) => warnings.push(message),
    });
    assert.ok([...items.test, ...items.selection, ...items.calibration].every(({ label }) => label === 0));
    assert.equal(warnings.at(-1), 'class class 1 is in no split: none of its 30 images could be used');
    await assert.rejects(
      makeSplits(few, settings({ test: 8, selection: 8, calibration: 18 }, 1), options(few)),
      failure('data-invalid', '4 usable images left for test', 'lower data.splits.test to at most 4'),
    );
    await assert.rejects(
      makeSplits(few, settings({ test: 8, selection: 8, calibration: 28 }, 1), options(few)),
      failure(
        'data-invalid',
        '22 usable images left for calibration',
        'lower data.splits.calibration to at most 14',
      ),
    );
  });

  it('stops when aborted and reports progress', async () => {
    const controller = new AbortController();
    controller.abort(new Error('stop'));
    const sizes = settings({ test: 10, selection: 10, calibration: 10 });
    const options = { seed: 1, needTrain: false };
    await assert.rejects(
      makeSplits(balanced([30, 30]), sizes, options, { signal: controller.signal }),
      /^Error: stop$/,
    );
    const fractions: number[] = [];
    await makeSplits(balanced([30, 30]), sizes, options, {
      progress: ({ fraction }) => fractions.push(fraction),
    });
    assert.equal(fractions.at(-1), 1);
  });
});

describe('refuseOverlap', () => {
  it('allows calibration inside train and nothing else', () => {
    const item = (id: string) => ({ id, label: 0, sha256: id.slice(0, 1) as never });
    const items = {
      train: [item('a'), item('b')],
      calibration: [item('a')],
      selection: [item('c')],
      test: [item('d')],
    };
    refuseOverlap(items);
    assert.throws(
      () => refuseOverlap({ ...items, test: [item('b copy')] }),
      failure('splits-overlap', 'b (train)', 'b copy (test)'),
    );
    assert.throws(
      () => refuseOverlap({ ...items, selection: [item('d2')] }),
      failure('splits-overlap', 'd2', 'd (test)'),
    );
  });
});
