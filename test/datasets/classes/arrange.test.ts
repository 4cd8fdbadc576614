import assert from 'node:assert/strict';
import { arrangeClasses } from '../../../datasets/classes/arrange.ts';
import { openSource, sourceClasses } from '../../../datasets/open.ts';
import { configSchema } from '../../../pipeline/config/schema.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { writeImage } from '../fakes.ts';
import { useTempFolder } from '../temp-folder.ts';

describe('a source with its classes arranged', () => {
  const folder = useTempFolder();
  const data = () =>
    configSchema.parse({ teacher: { checkpoint: 'x' }, data: { source: 'folder', path: folder() } }).data;

  it('has other labels for the same images, and leaves out the classes that are not named', async () => {
    for (const name of ['a/1.png', 'b/2.png', 'c/3.png']) await writeImage(`${folder()}/${name}`);
    const source = await openSource(data(), { seed: 1 });
    assert.deepEqual(await sourceClasses(data()), { names: source.classes, ordered: false });
    const arranged = arrangeClasses(source, ['c', 'a']);
    assert.deepEqual(arranged.classes, ['c', 'a']);
    assert.deepEqual(arranged.items, [
      { id: 'a/1.png', label: 1, origin: 'all' },
      { id: 'c/3.png', label: 0, origin: 'all' },
    ]);
    assert.equal(arrangeClasses(source, null), source);
    assert.equal(arrangeClasses(source, ['a', 'b', 'c']), source);
    assert.throws(
      () => arrangeClasses(source, ['a', 'd']),
      (error) => error instanceof BlockForgeError && /no class "d"/.test(error.message),
    );
  });
});
