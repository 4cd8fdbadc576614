import assert from 'node:assert/strict';
import { chooseCompositions, compositionFront, frontCsv } from '../../pipeline/compose/choose.ts';
import { spaceData } from '../../pipeline/compose/space-data.ts';
import {
  openSpace,
  resources,
  type ComposeSpace,
  type Composition,
  type Limits,
} from '../../pipeline/compose/space.ts';
import { libraryLatency, type LatencyModel } from '../../pipeline/profile/latency.ts';
import type { Manifest } from '../../pipeline/library/manifest.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { predictLossPp } from '../../pipeline/measure/predictor.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { writtenLibrary } from '../library/fixture.ts';
import { present } from '../support/present.ts';

describe('library/compose', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let library: Library;
  let everything: Composition[];
  before(async () => {
    folder = await writtenLibrary();
    library = await openLibrary(folder.path);
    const { blocks, compositionOf } = timed();
    everything = blocks[0]!.flatMap((_, a) => blocks[1]!.map((__, b) => compositionOf([a, b])));
  });
  after(() => folder.remove());

  const composeSpace = ({ manifest }: Pick<Library, 'manifest'>, latency?: LatencyModel) =>
    openSpace(spaceData(manifest, latency));
  const timed = () => composeSpace(library, libraryLatency(library.manifest));
  const fits = (limits: Limits) => (plan: Composition) =>
    resources.every((name) => plan[name]! <= (limits[name] ?? Infinity)) &&
    plan.predictedDropPp <= (limits.maxDropPp ?? Infinity) + 1e-9;

  /** The library's manifest with parts replaced. */
  const changed = (change: Partial<Manifest>) => ({ manifest: { ...library.manifest, ...change } });

  it('adds up the model that the widths make', () => {
    const { manifest } = library;
    for (const plan of everything) {
      const parts = plan.descendants.map((id) => library.descendant(id));
      const { params, macs } = modelCosts(
        manifest.teacher.architecture,
        parts.map(({ width }) => width),
      );
      assert.equal(plan.params, params);
      assert.equal(plan.macs, macs);
      const size = parts.reduce((sum, { file }) => sum + file.sizeBytes, manifest.frame.sizeBytes);
      assert.equal(plan.sizeBytes, size);
      const latency = parts.reduce((sum, { latencyMs }) => sum + latencyMs.p50, 0);
      assert.ok(Math.abs(present(plan.latencyMs) - latency) < 1e-12);
    }
  });

  it('predicts by the curve, by sums of averages without one, and by the teacher for want of those', () => {
    const { manifest } = library;
    const [id] = ['block-01/w0005'];
    const { deltas } = library.descendant(id);
    const place = [1, manifest.blocks[1]!.descendants.findIndex((item) => item.id === id)] as const;
    const costIn = ({ blocks }: ComposeSpace) => blocks[place[0]]![place[1]]!.cost;
    const space = composeSpace(library);
    const curve = space.loss;
    assert.equal(curve.by, 'predictor');
    const klIncrease = present(present(deltas.average).klIncrease);
    assert.equal(costIn(space), klIncrease);
    assert.equal(space.costOf([manifest.blocks[0]!.descendants[0]!.id, id]), klIncrease);
    assert.throws(() => space.costOf([id]), /block 0 has no block-01/);
    assert.equal(curve.dropPp(klIncrease), predictLossPp(present(manifest.predictor).parameters, klIncrease));
    for (const drop of [0.001, 0.5, 12, 54.9])
      assert.ok(Math.abs(curve.dropPp(curve.costWithin(drop)) - drop) < 1e-9);
    assert.equal(curve.costWithin(0), 0);
    assert.equal(curve.costWithin(56), Infinity);
    assert.match(curve.describe, /mean error 1\.25 pp over 32 random compositions/);

    const averages = composeSpace(changed({ predictor: undefined }));
    assert.equal(averages.loss.by, 'average-sum');
    assert.equal(costIn(averages), -present(deltas.average).top1Pp.mean);
    const old = {
      ...manifest,
      predictor: undefined,
      blocks: manifest.blocks.map((block) => ({
        ...block,
        descendants: block.descendants.map((item) => ({ ...item, deltas: { teacher: item.deltas.teacher } })),
      })),
    };
    const sums = composeSpace({ manifest: old });
    assert.equal(sums.loss.by, 'teacher-sum');
    assert.equal(costIn(sums), -deltas.teacher.top1Pp.mean);
  });

  it('finds the least loss within any mix of limits', () => {
    const teacher = everything[0]!;
    for (const shares of [[0.9], [0.8, 0.8], [1, 0.9, 0.85], [0.95, 0.9, 0.9, 0.6]]) {
      const limits: Limits = Object.fromEntries(
        shares.map((share, i): [string, number] => [resources[i]!, share * teacher[resources[i]!]!]),
      );
      const expected = everything.filter(fits(limits)).sort((a, b) => a.predictedDropPp - b.predictedDropPp);
      const found = chooseCompositions(timed(), limits, { count: 3 });
      assert.ok(Array.isArray(found));
      assert.deepEqual(
        found.map(({ predictedDropPp }) => predictedDropPp),
        expected.slice(0, 3).map(({ predictedDropPp }) => predictedDropPp),
      );
      assert.ok(found.every(fits(limits)));
    }
  });

  it('keeps the resource low that is asked for when only the loss is limited', () => {
    for (const minimise of resources) {
      const limits = { maxDropPp: 20 };
      const found = chooseCompositions(timed(), limits, { minimise });
      assert.ok(Array.isArray(found));
      const least = Math.min(...everything.filter(fits(limits)).map((plan) => plan[minimise]!));
      assert.ok(Math.abs(found[0]![minimise]! - least) < 1e-9);
    }
    const none = chooseCompositions(composeSpace(library), { maxDropPp: 0 }, {});
    assert.ok(Array.isArray(none) && none[0]!.predictedDropPp === 0);
  });

  it('says which limits bind and what comes nearest', () => {
    const leanest = present(everything.at(-1));
    const alone = chooseCompositions(composeSpace(library), { params: leanest.params - 1 });
    assert.ok(!Array.isArray(alone));
    assert.deepEqual(alone.unattainable, [{ limit: 'params', least: leanest.params }]);
    assert.equal(present(alone.nearest).composition.params, leanest.params);
    assert.ok(Math.abs(present(alone.nearest).excess - 1 / (leanest.params - 1)) < 1e-12);

    const limits = { params: leanest.params, macs: everything[0]!.macs, maxDropPp: 0.001 };
    const together = chooseCompositions(composeSpace(library), limits);
    assert.ok(!Array.isArray(together));
    assert.deepEqual(together.unattainable, []);
    assert.deepEqual(together.binding, ['params', 'maxDropPp']);
    assert.deepEqual(present(together.withinResources).descendants, leanest.descendants);
    // Only the teacher loses that little.
    assert.deepEqual(present(together.nearest).composition.descendants, everything[0]!.descendants);
  });

  it('refuses limits that mean nothing', () => {
    assert.throws(
      () => chooseCompositions(composeSpace(library), { latencyMs: 1 }),
      /needs the profile of a device/,
    );
    assert.throws(() => chooseCompositions(composeSpace(library), { maxDropPp: -1 }), RangeError);
  });

  it('is the same from what JSON makes of it', () => {
    for (const data of [
      spaceData(library.manifest),
      spaceData(library.manifest, libraryLatency(library.manifest)),
    ])
      assert.deepEqual(JSON.parse(JSON.stringify(data)), data);
  });

  it('states what its latencies cover, and counts the last block of a device apart', () => {
    assert.match(present(timed().latency).describe, /^FFN blocks alone.*a processor, batch 1$/);
    const measured = {
      frameMs: 3,
      isWhole: true,
      batchSize: 1,
      describe: 'a device',
      blockMs: (width: number, block: number) => (block === 1 ? 1 : width),
    };
    const { compositionOf } = composeSpace(library, measured);
    assert.equal(compositionOf([1, 2]).latencyMs, 3 + 10 + 1);
    assert.equal(composeSpace(library).compositionOf([0, 0]).latencyMs, null);
  });

  it('has a front that every limit of its resource agrees with', () => {
    for (const by of resources) {
      const front = compositionFront(timed(), by);
      front.forEach((plan, place) => {
        const better = everything.filter(
          (other) => other[by]! <= plan[by]! + 1e-9 && other.predictedDropPp < plan.predictedDropPp - 1e-9,
        );
        assert.deepEqual(better, []);
        if (place > 0) {
          assert.ok(plan[by]! > front[place - 1]![by]!);
          assert.ok(plan.predictedDropPp < front[place - 1]!.predictedDropPp);
        }
      });
      assert.equal(present(front.at(-1)).predictedDropPp, 0);
    }
    const cut = compositionFront(composeSpace(library), 'params', {
      maxDropPp: 20,
      params: everything[0]!.params - 1,
    });
    assert.ok(cut.length > 0 && cut.every(fits({ maxDropPp: 20, params: everything[0]!.params - 1 })));
    assert.equal(cut[0]!.latencyMs, null);
    const lines = frontCsv(composeSpace(library), cut).trimEnd().split('\r\n');
    assert.equal(lines[0], 'predictedDropPp,params,macs,sizeBytes,latencyMs,widths,descendants');
    assert.equal(
      lines[1]!.split(',')[5],
      cut[0]!.descendants.map((id) => library.descendant(id).width).join(' '),
    );
    assert.equal(lines.slice(2).length, cut.length - 1);
  });

  it('takes top-1 gains as negative costs where there is no predictor', () => {
    const block = library.manifest.blocks[0]!;
    const others = library.manifest.blocks.slice(1);
    const gained = block.descendants.map((item, place) =>
      place === 1
        ? {
            ...item,
            deltas: {
              ...item.deltas,
              average: { ...present(item.deltas.average), top1Pp: { mean: 0.5, low: 0, high: 1 } },
            },
          }
        : item,
    );
    const better = changed({ predictor: undefined, blocks: [{ ...block, descendants: gained }, ...others] });
    const found = chooseCompositions(composeSpace(better), { params: everything[0]!.params });
    assert.ok(Array.isArray(found) && found[0]!.predictedDropPp === -0.5);
    assert.equal(found[0]!.descendants[0], gained[1]!.id);
  });
});
