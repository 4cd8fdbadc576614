import assert from 'node:assert/strict';
import { openDistilledUnits } from '../../../bench/front/distilled-units.ts';
import { openLibrary } from '../../../pipeline/library/open.ts';
import { writtenLibrary } from '../../library/fixture.ts';

describe('bench/front/distilled-units', () => {
  let library: Awaited<ReturnType<typeof writtenLibrary>>;
  before(async () => {
    library = await writtenLibrary();
  });
  after(() => library.remove());

  it('are the blocks of a width, of a library of that teacher', async () => {
    const opened = await openLibrary(library.path);
    const of = await openDistilledUnits(library.path, await opened.readTeacher());
    const { width, id } = opened.manifest.blocks[1]!.descendants[1]!;
    const found = await of(width);
    assert.deepEqual(found?.[1], await opened.readFfn(id));
    assert.equal(of(width + 1), undefined);
  });

  it('are refused where the teacher is another one', async () => {
    const teacher = await (await openLibrary(library.path)).readTeacher();
    const head = teacher['head.bias']!;
    const other = { ...teacher, 'head.bias': { ...head, data: head.data.map((value) => value + 1) } };
    await assert.rejects(openDistilledUnits(library.path, other), /another teacher: its head\.bias is not/);
  });
});
