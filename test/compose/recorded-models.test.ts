import assert from 'node:assert/strict';
import { nearestRecorded } from '../../pipeline/compose/recorded-models.ts';
import { spaceData } from '../../pipeline/compose/space-data.ts';
import { openSpace } from '../../pipeline/compose/space.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { writtenLibrary } from '../library/fixture.ts';
import { present } from '../support/present.ts';

describe('compose/recorded-models', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let library: Library;
  before(async () => {
    folder = await writtenLibrary();
    library = await openLibrary(folder.path);
  });
  after(() => folder.remove());

  /** The library with other divergences of its uniform models, widest first, and nothing allocated. */
  const withKl = (...kl: readonly number[]): Library => ({
    ...library,
    manifest: {
      ...library.manifest,
      allocated: [],
      uniform: library.manifest.uniform.map((item, i) => ({
        ...item,
        distilled: { ...present(item.distilled), kl: kl[i]! },
      })),
    },
  });
  const nearest = (
    of: Library,
    limits: Parameters<typeof nearestRecorded>[2],
    kl: number,
    widths?: string,
  ) => {
    const space = openSpace(spaceData(of.manifest));
    const than = space.compositionOf([0, 0]);
    const other = of.manifest.uniform.find((item) => item.descendants.join() === widths);
    return nearestRecorded(of, space, limits, {
      than: other ? { ...than, descendants: other.descendants } : than,
      kl,
    })?.name;
  };

  it('finds the measured model within the limits that is nearer than the one that was measured now', () => {
    const [wide, narrow] = library.manifest.uniform.map(({ sparsity }) => `uniform ${sparsity}`);
    const own = withKl(0.1, 0.2);
    assert.equal(nearest(own, { params: 1e9 }, 0.5), wide);
    assert.equal(nearest(own, { params: 1e9 }, 0.1), undefined, 'none is nearer');
    assert.equal(nearest(withKl(0.3, 0.2), { macs: 1e9 }, 0.5), narrow);
    const space = openSpace(spaceData(own.manifest));
    const least = space.compositionOf(space.blocks.map((items) => items.length - 1)).params;
    assert.equal(nearest(own, { params: least }, 0.5), narrow, 'the wide one is too large');
    assert.equal(nearest(own, { params: least - 1 }, 0.5), undefined);
    assert.equal(
      nearest(own, { params: 1e9, maxDropPp: 0.1 }, 0.5),
      undefined,
      'both lost more, as measured',
    );
  });

  it('leaves a limit on the loss alone to the prediction, and a model is not nearer than itself', () => {
    const own = withKl(0.1, 0.2);
    assert.equal(nearest(own, { maxDropPp: 50 }, 0.5), undefined);
    const [wide, narrow] = own.manifest.uniform;
    assert.equal(
      nearest(own, { params: 1e9 }, 0.5, present(wide).descendants.join()),
      `uniform ${present(narrow).sparsity}`,
    );
  });
});
