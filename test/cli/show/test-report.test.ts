import assert from 'node:assert/strict';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLibrarySummary } from '../../../pipeline/cli/show/read.ts';
import { sha256File } from '../../../pipeline/util/hash.ts';
import { temporaryFolder, writtenLibrary } from '../../library/fixture.ts';
import { present } from '../../support/present.ts';

describe('library/test-report', () => {
  let run: Awaited<ReturnType<typeof temporaryFolder>>;
  const interval = { mean: 70, low: 60, high: 80 };
  const measured = {
    images: 100,
    top1Percent: interval,
    top1DeltaPp: interval,
    kl: 0.1,
    agreementPercent: 90,
  };
  const report = async (changes: Record<string, unknown> = {}) => {
    const full = {
      images: 100,
      manifestSha256: await sha256File(join(run.path, 'library', 'manifest.json')),
      teacher: measured,
      uniform: [{ sparsity: 0.5, refit: measured }, { sparsity: 0.75 }],
      allocated: [
        {
          sparsity: 0.5,
          widths: [5, 10],
          ffnParams: 1,
          budgetParams: 2,
          measured,
          versusUniformPp: interval,
        },
      ],
      ...changes,
    };
    await writeFile(join(run.path, 'report', 'test', 'report.json'), JSON.stringify(full));
  };

  before(async () => {
    run = await temporaryFolder();
    const library = await writtenLibrary();
    await cp(library.path, join(run.path, 'library'), { recursive: true });
    await library.remove();
    await mkdir(join(run.path, 'report', 'test'), { recursive: true });
  });
  after(() => run.remove());

  it('shows the test split of the run that the library lies in', async () => {
    assert.equal((await readLibrarySummary(run.path)).test, undefined);
    await report();
    const { test } = await readLibrarySummary(run.path);
    assert.deepEqual(test, (await readLibrarySummary(join(run.path, 'library'))).test);
    assert.equal(present(test).images, 100);
    assert.equal(present(test).teacher.top1, 70);
    assert.deepEqual(
      present(test).uniform.map(({ sparsity, refit }) => [sparsity, refit.top1Low]),
      [[0.5, 60]],
    );
    assert.deepEqual(present(present(test).allocated)[0]!.widths, [5, 10]);
  });

  it('shows nothing of another library, of an empty split, or of a file that is none', async () => {
    for (const changes of [{ manifestSha256: '0'.repeat(64) }, { images: 0 }, { teacher: null }]) {
      await report(changes);
      assert.equal((await readLibrarySummary(run.path)).test, undefined);
    }
    await writeFile(join(run.path, 'report', 'test', 'report.json'), '{');
    assert.equal((await readLibrarySummary(run.path)).test, undefined);
  });
});
