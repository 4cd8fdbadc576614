import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findRun } from '../../../pipeline/cli/find-run.ts';
import { methodOfRun } from '../../../pipeline/cli/report/method-of-run.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { stages as blocks } from '../../../pipeline/stages/blocks/graph.ts';
import { FolderOfARun } from '../status/folder-of-a-run.ts';
import { present } from '../../support/present.ts';

describe('report, of a run that has not come to its end', () => {
  let run: FolderOfARun;
  beforeEach(() => {
    run = new FolderOfARun();
    run.plan(
      { 'data/splits': [], 'teacher/model': ['data/splits'] },
      { stages: blocks.map(({ name }) => name) },
    );
    run.done('data/splits');
  });
  afterEach(() => run.dispose());

  it('says how far it came and what is missing, whatever lies in its folder', async () => {
    run.write('data/splits/done.json', {
      format: 1,
      finishedAt: '2027-03-01T08:10:00.000Z',
      seconds: 2,
      warnings: ['<b>'],
    });
    run.write('data/splits/test.json', { items: 'none' });
    run.write('events.jsonl', 'no log\n');
    run.write('library/manifest.json', '{"kind": 1');
    // Late, as the methods' pages are: else classes of errors would be there twice.
    const { reportOfRun } = await import('../../../pipeline/cli/report/report-of-run.ts');
    const page = await reportOfRun(run.path);
    assert.equal(page.title, basename(run.path));
    assert.match(page.headline.join('\n'), /was stopped: 1 of 2 jobs are done\.\nNot whole: teacher;/);
    const warnings = present(page.sections.find(({ id }) => id === 'warnings')).parts[0];
    assert.ok(warnings?.kind === 'notices');
    assert.deepEqual(warnings.notices[0], { level: 'warning', text: 'data/splits: <b>' });
  });

  it('knows the method by what the run told of itself, else by its stages', async () => {
    assert.equal((await methodOfRun(run.path))?.name, 'blocks');
    run.plan(
      { 'data/splits': [] },
      {
        about: {
          method: 'devit',
          program: '1',
          config: {},
          machine: { processor: 'p', cores: 1, memoryBytes: 1, system: 's' },
        },
      },
    );
    assert.equal((await methodOfRun(run.path))?.name, 'devit');
    run.plan({ 'data/splits': [] });
    assert.equal(await methodOfRun(run.path), undefined);
  });

  it('finds a run by its folder, its name, or what it handed on, and refuses what is none', async () => {
    const parent = join(run.path, '..');
    const name = basename(run.path);
    mkdirSync(join(run.path, 'library'));
    writeFileSync(join(run.path, 'library', 'manifest.json'), '{}');
    for (const given of [run.path, name, join(run.path, 'library')])
      assert.equal(await findRun(given, parent, '/'), run.path);
    await assert.rejects(findRun(join(run.path, 'data'), parent, '/'), (error: unknown) => {
      assert.ok(error instanceof BlockForgeError);
      assert.deepEqual(
        [error.failure.reason, error.failure.found],
        ['file-missing', 'no run was ever started there'],
      );
      return true;
    });
  });
});
