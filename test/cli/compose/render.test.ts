import assert from 'node:assert/strict';
import { renderNearer } from '../../../pipeline/cli/compose/render.ts';
import { spaceData } from '../../../pipeline/compose/space-data.ts';
import { openSpace } from '../../../pipeline/compose/space.ts';
import { openLibrary } from '../../../pipeline/library/open.ts';
import { writtenLibrary } from '../../library/fixture.ts';

describe('what compose prints of a measured model that it takes instead', () => {
  it('has the size of that one, and says whose table is above', async () => {
    const folder = await writtenLibrary();
    try {
      const library = await openLibrary(folder.path);
      const space = openSpace(spaceData(library.manifest));
      const teacher = space.compositionOf([0, 0]);
      const composition = space.compositionOf([1, 1]);
      const { refit: scores } = library.manifest.uniform[0]!;
      const measured = { split: 'selection', ...scores } as const;
      const text = renderNearer(library, { name: 'uniform 0.5', composition, measured }, 0.5, teacher);
      const share = ((100 * composition.params) / teacher.params).toFixed(1);
      assert.ok(
        text.includes(`params ${composition.params.toLocaleString('en-US')} (${share} %), MACs `),
        text,
      );
      assert.match(text, /size [\d,]+ B \(.+\) \([\d.]+ %\)/);
      assert.match(text, /table above is of the model that is not taken/);
    } finally {
      await folder.remove();
    }
  });
});
