import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPeer } from '../../../bench/peers/peer.ts';

/** Speaks the protocol: doubles what it is asked for. */
const standIn = `
const say = (answer) => console.log(JSON.stringify(answer));
say({ description: 'stand-in', threads: Number(process.argv[2]) + Number(process.env.OMP_NUM_THREADS) });
const tasks = [];
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const question = JSON.parse(line);
  if (question.forget) { tasks.length = 0; return say({}); }
  if (question.prepare === 'broken') return say({ error: 'ValueError: no such file' });
  if (question.prepare === 'deadly') { console.error('out of memory'); process.exit(1); }
  if (question.prepare) return say({ task: tasks.push(question.settings.number) - 1 });
  say({ wallSeconds: question.count, processorSeconds: 1, answer: [2 * tasks[question.run]] });
});
`;

describe('the peer process', () => {
  let folder = '';
  let script = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'peer-'));
    script = join(folder, 'stand-in.cjs');
    await writeFile(script, standIn);
  });
  after(() => rm(folder, { recursive: true }));

  it('answers for several tasks in turns, ends when told, and says what went wrong', async () => {
    const peer = await startPeer(process.execPath, 3, script);
    assert.deepEqual(peer.facts, { description: 'stand-in', threads: 6 });
    const one = await peer.prepare('step', { number: 21 });
    const two = await peer.prepare('step', { number: 4 });
    assert.deepEqual(await one.run(5), { wallSeconds: 5, processorSeconds: 1, answer: [42] });
    assert.deepEqual((await two.run(1)).answer, [8]);
    await peer.forget();
    await assert.rejects(peer.prepare('broken', {}), /BLOCKFORGE_PYTHON.*: ValueError: no such file/);
    await peer.stop();
    const other = await startPeer(process.execPath, 1, script);
    await assert.rejects(other.prepare('deadly', {}), /out of memory[\s\S]*unset BLOCKFORGE_PYTHON/);
  });

  it('names an interpreter that is none', async () => {
    await assert.rejects(
      startPeer(join(folder, 'python'), 1, script),
      /ENOENT[\s\S]*pip install torch numpy/,
    );
  });

  it('is written in Python that parses', async function () {
    const scripts = join(import.meta.dirname, '..', '..', '..', 'bench', 'peers');
    const files = (await readdir(scripts)).filter((file) => file.endsWith('.py')).sort();
    assert.ok(files.includes('peer.py'));
    const parse = 'import ast, sys\nfor path in sys.argv[1:]: ast.parse(open(path).read(), path)';
    const paths = files.map((file) => join(scripts, file));
    const { error, status, stderr } = spawnSync('python3', ['-c', parse, ...paths], { encoding: 'utf8' });
    if (error !== undefined) this.skip();
    assert.equal(status, 0, stderr);
  });
});
