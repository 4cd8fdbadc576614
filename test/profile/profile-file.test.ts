import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProfile } from '../../pipeline/cli/profile/command.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { findProfile, profileNames, readProfile, type Profile } from '../../pipeline/profile/profile-file.ts';
import { plain, type Terminal } from '../../pipeline/terminal/terminal.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { temporaryFolder, writtenLibrary } from '../library/fixture.ts';
import { exampleProfile } from './fixture.ts';

describe('library/profile/profile-file', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
  let library: Library;
  let profile: Profile;
  beforeEach(async () => {
    folder = await writtenLibrary();
    scratch = await temporaryFolder();
    library = await openLibrary(folder.path);
    profile = exampleProfile(await sha256File(join(folder.path, 'manifest.json')));
  });
  afterEach(async () => {
    await folder.remove();
    await scratch.remove();
  });

  const file = async (content: unknown) => {
    const path = join(scratch.path, 'collected.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const command = async (action: Parameters<typeof runProfile>[0]['action'], json = false) => {
    let text = '';
    const terminal: Terminal = {
      write: (part) => void (text += part),
      eraseLine: '',
      isLive: false,
      columns: 100,
      paint: plain,
    };
    const unheard = new AbortController().signal;
    const around = { stdout: terminal, stderr: terminal, cwd: '.', unheard, commands: [] };
    const code = await runProfile({ library: folder.path, action, json }, around);
    return { code, text };
  };

  it('adds a profile collected elsewhere under its own name, and lists it', async () => {
    const added = await command({ kind: 'add', file: await file(profile) });
    assert.equal(added.code, 0);
    assert.match(added.text, /onnxruntime 1\.30\.0, 2 threads, on a board \(board\)/);
    assert.match(added.text, /10 5 +4\.400 +5\.090 +5\.280 +5\.720/);
    assert.match(added.text, /mean error 17\.0 %; calibrated on half of them \(1\.100 x \+ 0\.250\) 3\.0 %/);
    assert.deepEqual(await readdir(join(folder.path, 'profiles')), ['board.json']);
    assert.deepEqual(await findProfile(library, 'board'), profile);
    assert.match((await command({ kind: 'list' })).text, /^board: onnxruntime .*; batch sizes 1, 8\n$/);
    // One that belonged to an earlier export is named as such.
    await writeFile(
      join(folder.path, 'profiles', 'old.json'),
      JSON.stringify({ ...profile, manifestSha256: 'a'.repeat(64) }),
    );
    const { text } = await command({ kind: 'list' });
    assert.match(text, /\nold: not usable: .*a profile of another library/);
    const listed = JSON.parse((await command({ kind: 'list' }, true)).text) as {
      name: string;
      problem?: string;
    }[];
    assert.deepEqual(listed.map(({ name, problem }) => [name, problem !== undefined]), [['board', false], ['old', true]]); // prettier-ignore
  });

  it('refuses foreign, damaged and impossible profiles, and leaves the library as it is', async () => {
    const changed = (change: (profile: Profile) => unknown) => {
      const copy = structuredClone(profile);
      return change(copy) ?? copy;
    };
    const cases: [unknown, RegExp][] = [
      ['{"kind": "blockforge-pro', /damaged: .*JSON/],
      [' '.repeat(16 * 2 ** 20 + 1), /16777217 bytes/],
      ['null', /not a latency profile/],
      [{ kind: 'something else' }, /not a latency profile/],
      [{ ...profile, schemaVersion: 2 }, /schemaVersion 2, newer/],
      [{ ...profile, manifestSha256: 'b'.repeat(64) }, /of another library \(manifest bbbbbbbbbbbb/],
      [{ ...profile, extra: 1 }, /[Uu]nrecognized key/],
      [changed((p) => void Object.assign(p.device, { name: '../../evil' })), /device\.name/],
      [changed((p) => void (p.batches[0]!.frame.p50 = -1)), /batches\.0\.frame\.p50/],
      [changed((p) => void (p.batches[1]!.widths[0]!.p90 = 0)), /batches\.1\.widths\.0\.p90/],
      [JSON.stringify(profile).replace('"p50":3,', '"p50":1e999,'), /batches\.0\.frame\.p50/],
      [changed((p) => void p.batches[0]!.widths.pop()), /batch size 1: widths without 5/],
      [changed((p) => void p.batches[1]!.lastWidths.shift()), /batch size 8: lastWidths without 20/],
      [changed((p) => void p.batches[0]!.composed[2]!.widths.push(5)), /a composed model of 3 blocks/],
      [changed((p) => void p.batches.reverse()), /ascending batch sizes/],
      [changed((p) => void (p.batches[0]!.calibration.scale = 0)), /calibration\.scale/],
    ];
    for (const [content, message] of cases) {
      await assert.rejects(command({ kind: 'add', file: await file(content) }), (error) => {
        assert.ok(error instanceof BlockForgeError, String(error));
        assert.equal(error.failure.reason, 'file-invalid');
        assert.match(error.message, message);
        return true;
      });
    }
    await assert.rejects(command({ kind: 'add', file: join(scratch.path, 'none.json') }), /no such file/);
    await assert.rejects(command({ kind: 'add', file: scratch.path }), /a folder, not a file/);
    await assert.rejects(command({ kind: 'add', file: '/dev/zero' }), /a device, not a plain file|no such/);
    assert.deepEqual(await profileNames(library), []);
  });

  it('reads a profile alone where no library is at hand, and names those that are there', async () => {
    const path = await file({ ...profile, manifestSha256: 'c'.repeat(64) });
    assert.equal((await readProfile(path)).device.name, 'board');
    await assert.rejects(findProfile(library, 'pi4'), /profile pi4: not in .*\n.*there is none yet/);
    await command({ kind: 'add', file: await file(profile) });
    await assert.rejects(findProfile(library, 'pi4'), /expected: one of: board/);
    assert.deepEqual(await findProfile(library, join(folder.path, 'profiles', 'board.json')), profile);
  });
});
