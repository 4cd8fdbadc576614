import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FingerprintData, Fingerprint } from '../../pipeline/runner/fingerprint.ts';
import { collectOutputs, digestOutputs } from '../../pipeline/runner/outputs.ts';
import {
  invalidateJob,
  placeJobFolder,
  readDoneRecord,
  readOwnOutputs,
  recordDone,
  startJobFolder,
} from '../../pipeline/runner/publish.ts';
import { removeLeftovers } from '../../pipeline/runner/leftovers.ts';
import { listForeign } from '../../pipeline/runner/foreign-files.ts';
import type { Unfit } from '../../pipeline/runner/user-files.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { job } from './rig.ts';

const library = job('export/all', { folder: 'library' });
type Files = Readonly<Record<string, string>>;

describe('what a user put into a folder that is handed on', () => {
  let scratch: string;
  let runFolder: string;
  // Hundreds of flushes to the disk would be most of the time, and say nothing here.
  let handles: { sync: () => Promise<void> };
  let sync: () => Promise<void>;
  before(async () => {
    const handle = await fsPromises.open(tmpdir());
    handles = Object.getPrototypeOf(handle) as typeof handles;
    ({ sync } = handles);
    handles.sync = () => Promise.resolve();
    await handle.close();
  });
  after(() => void (handles.sync = sync));
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'blockforge-user-files-'));
    runFolder = join(scratch, 'run');
  });
  afterEach(() => rmSync(scratch, { recursive: true }));

  const write = (folder: string, files: Files): void => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
  };
  const filesIn = (folder: string): Map<string, string> =>
    new Map(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => {
          const full = join(entry.parentPath, entry.name);
          return [full.slice(folder.length + 1), readFileSync(full, 'utf8')];
        }),
    );
  const inLibrary = () => filesIn(join(runFolder, 'library'));

  async function publish(files: Files, unfit: readonly Unfit[] = []): Promise<string[]> {
    await removeLeftovers(runFolder, [], [library]);
    const temporary = await startJobFolder(runFolder, library);
    write(temporary, files);
    const outputs = await collectOutputs(temporary);
    const told = await placeJobFolder(runFolder, library, temporary, { outputs, unfit });
    rmSync(temporary, { recursive: true, force: true });
    await recordDone(runFolder, {
      ...{ format: 1, job: library.id, fingerprint: '' as Fingerprint, madeFrom: {} as FingerprintData },
      ...{ outputs, outputsSha256: digestOutputs(outputs) },
      ...{ seconds: 1, finishedAt: '', engine: null, summary: null, warnings: [] },
    });
    return told;
  }

  const list = async () =>
    listForeign(join(runFolder, 'library'), await readOwnOutputs(runFolder, library.id), sha256File);

  const first: Files = {
    'manifest.json': '1',
    'README.md': 'read me',
    'blocks/a/w1': 'one',
    'blocks/a/w2': 'two',
  };
  const second: Files = {
    'manifest.json': '2',
    'README.md': 'read me',
    'blocks/a/w1': 'uno',
    'blocks/b/w1': 'uno',
  };
  const mine: Files = {
    'models/small/weights': 'a model',
    'models/old/weights': 'an old model',
    'profiles/phone.json': 'a profile',
    'notes.txt': 'my notes',
    'blocks/a/note': 'a note',
  };

  it('stays where it is, and the files of the job are exchanged around it', async () => {
    await publish(first);
    write(join(runFolder, 'library'), mine);
    assert.deepEqual(await publish(second), []);
    assert.deepEqual(inLibrary(), new Map(Object.entries({ ...mine, ...second })));
    await publish(first);
    assert.deepEqual(inLibrary(), new Map(Object.entries({ ...mine, ...first })));
    await invalidateJob(runFolder, library);
    assert.deepEqual(await publish(second), [], '--from forgets no file of the job');
    assert.deepEqual(inLibrary(), new Map(Object.entries({ ...mine, ...second })));
    assert.deepEqual(readdirSync(join(runFolder, 'export/all')), ['done.json']);
  });

  it('is set aside under a date where it does not fit or is in the way, and that is told', async () => {
    await publish(first);
    write(join(runFolder, 'library'), { ...mine, 'README.md': 'mended by me' });
    rmSync(join(runFolder, 'library/manifest.json'));
    write(join(runFolder, 'library/manifest.json'), { 'a folder': 'of mine' });
    const told = await publish(second, [
      { path: 'models/old', why: 'its weights are gone' },
      { path: 'models/never-was', why: 'no matter' },
    ]);
    assert.equal(told.length, 3, told.join('\n'));
    assert.match(
      told[0]!,
      /^library\/models\/old is set aside as library\/set-aside\/\d{4}-\d\d-\d\dT\d{6}Z\/models\/old: its weights are gone$/,
    );
    const all = [...inLibrary()];
    const aside = all.flatMap(([path, text]) =>
      path.startsWith('set-aside/') ? [[path.split('/').slice(2).join('/'), text]] : [],
    );
    assert.deepEqual(Object.fromEntries(aside), {
      'models/old/weights': 'an old model',
      'README.md': 'mended by me',
      'manifest.json/a folder': 'of mine',
    });
    const kept = Object.fromEntries(Object.entries(mine).filter(([path]) => !path.startsWith('models/old')));
    const rest = all.filter(([path]) => !path.startsWith('set-aside/'));
    assert.deepEqual(new Map(rest), new Map(Object.entries({ ...kept, ...second })));
    write(join(runFolder, 'library'), { 'README.md': 'mended again' });
    await publish(first);
    assert.deepEqual([...inLibrary().values()].filter((text) => text.startsWith('mended')).sort(), [
      'mended again',
      'mended by me',
    ]);
  });

  it('is not lost at whatever step a publication ends', async () => {
    const contents = [...Object.values(mine), 'mended by me', 'outside'];
    const lost = () => contents.filter((text) => ![...filesIn(scratch).values()].includes(text));
    const steps = ['rename', 'rm', 'rmdir'] as const;
    const prepared = join(scratch, 'prepared');
    await publish(first);
    write(join(runFolder, 'library'), { ...mine, 'README.md': 'mended by me' });
    write(join(scratch, 'elsewhere'), { w9: 'outside' });
    symlinkSync(join(scratch, 'elsewhere'), join(runFolder, 'library/linked'));
    cpSync(runFolder, prepared, { recursive: true, verbatimSymlinks: true });
    const original = { ...fsPromises };
    let ended = false;
    let died = 0;
    for (; !ended; died++) {
      rmSync(runFolder, { recursive: true });
      cpSync(prepared, runFolder, { recursive: true, verbatimSymlinks: true });
      let left = died;
      for (const step of steps) {
        const works = original[step] as (...args: unknown[]) => Promise<unknown>;
        Object.assign(fsPromises, {
          [step]: (...args: unknown[]) => (left-- > 0 ? works(...args) : Promise.reject(new Error('killed'))),
        });
      }
      syncBuiltinESMExports();
      try {
        await publish(second, [{ path: 'models/old', why: 'its weights are gone' }]);
        ended = true;
      } catch (error) {
        assert.match((error as Error).message, /killed/);
      } finally {
        Object.assign(fsPromises, original);
        syncBuiltinESMExports();
      }
      assert.deepEqual(lost(), [], `after ${died} steps`);
      const record = await readDoneRecord(runFolder, library.id);
      const recorded = record?.outputs.some(({ path }) => path === 'blocks/b/w1') === true ? second : first;
      if (record !== undefined && ended) assert.equal(recorded, second);
      const missing = Object.keys(recorded).filter((path) => !inLibrary().has(path));
      if (record !== undefined) assert.deepEqual(missing, [], 'what looks done is whole');
      const told = (await readDoneRecord(runFolder, library.id)) === undefined ? await publish(second) : [];
      await publish(second);
      assert.deepEqual(lost(), [], `after ${died} steps and once more`);
      const moved = [...inLibrary()].some(([path]) => /^set-aside\/[^/]*\/models\/old/.test(path));
      const isTold = told.filter((line) => line.startsWith('library/models/old is set aside as'));
      if (moved && record === undefined) assert.equal(isTold.length, 1, `told once after ${died} steps`);
      const own = Object.fromEntries([...inLibrary()].filter(([path]) => path in second));
      assert.deepEqual(own, second);
      assert.ok(!inLibrary().has('blocks/a/w2'), 'the old files of the job are gone');
      assert.ok(![...inLibrary()].some(([path, text]) => path.startsWith('set-aside') && text === 'uno'));
      assert.deepEqual(readdirSync(runFolder).sort(), ['export', 'library']);
    }
    assert.ok(died > 12, `${died} steps`);
  });

  it('is not deleted through a link that took the place of a folder of the job', async () => {
    await publish(first);
    cpSync(join(runFolder, 'library/blocks'), join(scratch, 'moved'), { recursive: true });
    rmSync(join(runFolder, 'library/blocks'), { recursive: true });
    symlinkSync(join(scratch, 'moved'), join(runFolder, 'library/blocks'));
    assert.match((await publish(second)).join(), /library\/blocks is set aside/);
    assert.deepEqual([...filesIn(join(scratch, 'moved')).values()].sort(), ['one', 'two']);
    rmSync(join(runFolder, 'library'), { recursive: true });
    symlinkSync(join(scratch, 'not there'), join(runFolder, 'library'));
    assert.deepEqual(await list(), [{ path: '', setAside: 'it is no folder' }]);
    assert.match((await publish(first)).join(), /library was no folder/);
    assert.deepEqual(inLibrary(), new Map(Object.entries(first)));
  });

  it('may lie on another disk, where the folder is a link to', async () => {
    await publish(first);
    write(join(runFolder, 'library'), mine);
    renameSync(join(runFolder, 'library'), join(scratch, 'moved'));
    symlinkSync('../moved', join(runFolder, 'library'));
    assert.deepEqual(
      (await list()).map(({ setAside }) => setAside),
      Array(5).fill(undefined),
    );
    // A publication that was killed.
    write(join(scratch, 'moved/.new.tmp-00000000'), { 'manifest.json': 'half' });
    const temporary = await startJobFolder(runFolder, library);
    assert.equal(dirname(temporary), join(runFolder, 'library'), 'renames stay on that disk');
    assert.deepEqual(await publish(second), []);
    assert.ok(lstatSync(join(runFolder, 'library')).isSymbolicLink());
    assert.deepEqual(filesIn(join(scratch, 'moved')), new Map(Object.entries({ ...mine, ...second })));
    assert.deepEqual(readdirSync(runFolder).sort(), ['export', 'library']);
  });

  it('is listed for --plan, without the files of the job', async () => {
    await publish(first);
    write(join(runFolder, 'library'), { ...mine, 'set-aside/x/y': 'old' });
    const listed = [
      { path: 'blocks/a/note' },
      { path: 'models/old', files: 1 },
      { path: 'models/small', files: 1 },
      { path: 'notes.txt' },
      { path: 'profiles/phone.json' },
    ];
    assert.deepEqual(await list(), listed);
    await invalidateJob(runFolder, library);
    assert.deepEqual(await list(), listed);
    assert.equal(existsSync(join(runFolder, 'export/all/done.json')), false);
    write(join(runFolder, 'library'), { 'README.md': 'mended by me' });
    assert.deepEqual(
      (await list()).filter(({ setAside }) => setAside !== undefined),
      [{ path: 'README.md', setAside: 'it was put or changed here' }],
    );
  });
});
