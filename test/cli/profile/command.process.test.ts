import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasOnnxRuntime } from '../../support/onnx-runtime.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { writtenLibrary } from '../../library/fixture.ts';
import { parseLine as parse } from '../parse.ts';
import { present } from '../../support/present.ts';
import { program } from '../../support/program.ts';

const refused = (line: string, ...parts: RegExp[]) =>
  assert.throws(
    () => parse(line),
    (error) => {
      assert.ok(error instanceof BlockForgeError && error.failure.reason === 'usage', String(error));
      for (const part of parts) assert.match(error.message, part);
      return true;
    },
  );

describe('cli/profile', () => {
  it('reads what to measure, to add or to list', () => {
    const command = { name: 'profile', library: 'lib', json: false };
    const measure = { kind: 'measure', runtime: 'onnxruntime' };
    assert.deepEqual(parse('profile lib'), { ...command, action: measure });
    assert.deepEqual(
      parse('profile lib --runtime tfjs --batch 1,4 --threads 2 --iterations 7 --name pi --json'),
      {
        ...command,
        json: true,
        action: {
          ...measure,
          runtime: 'tfjs',
          batchSizes: [1, 4],
          threads: 2,
          iterations: 7,
          device: 'pi',
        },
      },
    );
    assert.deepEqual(parse('profile lib --add pi.json'), {
      ...command,
      action: { kind: 'add', file: 'pi.json' },
    });
    assert.deepEqual(parse('profile lib --list'), { ...command, action: { kind: 'list' } });
    assert.deepEqual(parse('legodnn lib --out o --profile pi --batch 4'), {
      name: 'legodnn',
      library: 'lib',
      out: 'o',
      profile: 'pi',
      batch: 4,
      json: false,
    });
  });

  it('refuses what makes no sense', () => {
    refused('profile', /no library named/, /profile runs\/demo/);
    refused('profile lib --batch 1,x', /--batch x: not a whole number/);
    refused('profile lib --threads 0', /--threads 0/, /1 or more/);
    refused('profile lib --runtime onxruntime', /no such runtime/, /did you mean "onnxruntime"\?/);
    refused('profile lib --add a.json --list', /given with --add/);
    refused('profile lib --add a.json --batch 1', /--batch: given with --add, which measures nothing/);
    refused('legodnn lib', /out/);
  });

  describe('as a process', () => {
    /** Turns the exit code into 99 where TensorFlow.js was loaded. */
    const watch =
      "data:text/javascript,process.on('exit',()=>{if('_tfengine'in globalThis)process.exitCode=99})";
    const command = ['--import', watch, ...program, 'profile'];
    let folder: Awaited<ReturnType<typeof writtenLibrary>> | undefined;
    before(async function () {
      if (!(await hasOnnxRuntime())) this.skip();
      folder = await writtenLibrary();
    });
    after(() => folder?.remove());

    it('measures under ONNX Runtime without TensorFlow, and writes the profile', async () => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [...command, present(folder).path, '--iterations', '2', '--batch', '1', '--name', 'here', '--json'],
        { encoding: 'utf8' },
      );
      assert.equal(stderr, '');
      assert.equal(status, 0);
      const profile = JSON.parse(stdout) as { kind: string; device: { name: string } };
      assert.deepEqual([profile.kind, profile.device.name], ['blockforge-profile', 'here']);
      assert.deepEqual(await readdir(join(present(folder).path, 'profiles')), ['here.json']);
    });

    it('stops at Ctrl-C and leaves nothing', async () => {
      const child = spawn(
        process.execPath,
        [...command, present(folder).path, '--iterations', '500000', '--name', 'never'],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      let text = '';
      child.stderr.setEncoding('utf8').on('data', (part: string) => {
        if (text === '') child.kill('SIGINT');
        text += part;
      });
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      assert.equal(code, 130, text);
      assert.match(text, /^measuring: 0 %, .* left\ninterrupted: no profile was written\n$/);
      assert.ok(
        !(await readdir(join(present(folder).path, 'profiles'))).some((name) => name.startsWith('never')),
      );
    });
  });
});
