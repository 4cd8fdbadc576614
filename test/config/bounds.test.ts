import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../pipeline/config/load.ts';
import { parseYaml } from '../../pipeline/config/parse.ts';
import type { Problem } from '../../pipeline/config/problem.ts';
import { methods } from '../../pipeline/stages/methods.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';

const problemsOf = (text: string): string[] => {
  const problems: Problem[] = [];
  parseYaml(text, { name: '/x.yaml', folder: '/', hasLines: true }, problems);
  return problems.map(({ message }) => message);
};

/** An alias bomb: `levels` lists, each of nine of the one before. */
const bomb = (levels: number) =>
  Array.from(
    { length: levels },
    (_, i) =>
      `l${i}: &l${i} [${Array<string>(9)
        .fill(i === 0 ? 'x' : `*l${i - 1}`)
        .join(', ')}]`,
  ).join('\n');

describe('config bounds', () => {
  const floods: [string, string, RegExp][] = [
    ['aliases of aliases', bomb(9), /more than 20000 values, those that aliases repeat included/],
    ['lists in lists', `a: ${'['.repeat(2000)}${']'.repeat(2000)}`, /nested deeper than 40 levels/],
    ['lists in lists in a line', `${'- '.repeat(2000)}x`, /nested deeper than 40 levels/],
    ['keys that are maps', '? '.repeat(200), /a key that is not a word/],
    ['a huge document', '# nothing\n'.repeat(30_000), /300000 characters; a config has at most 256000/],
    ['many keys', 'k: 1\n'.repeat(3000), /the key "k" stands twice in the same map/],
  ];
  for (const [what, text, expected] of floods) {
    it(`end a flood of ${what} before it takes time or memory`, () => {
      const cpu = process.cpuUsage();
      const before = process.memoryUsage().heapUsed;
      const messages = problemsOf(text);
      assert.ok(
        messages.some((message) => expected.test(message)),
        messages[0],
      );
      assert.ok(process.cpuUsage(cpu).user < 3e6, 'three seconds of a processor');
      assert.ok(process.memoryUsage().heapUsed - before < 200e6, '200 MB');
    });
  }

  it('leave anchors and aliases as they are meant: the last one before, each time it is given', () => {
    assert.deepEqual(problemsOf('a: &x 1\nb: *x\nc: &x [2]\nd: *x\n'), []);
    assert.match(problemsOf('a: &x [*x]')[0] ?? '', /contains itself/);
    assert.match(problemsOf('b: *x\na: &x 1')[0] ?? '', /has no anchor before it/);
  });

  describe('of places', () => {
    let folder: string;
    before(() => (folder = mkdtempSync(join(tmpdir(), 'blockforge-bounds-'))));
    after(() => rmSync(folder, { recursive: true }));

    const refused = (config: string): string => {
      let found = '';
      assert.throws(
        () => loadConfig(config, methods, { cwd: folder }),
        ({ failure }: BlockForgeError) => (found = failure.found) !== '',
      );
      return found;
    };
    const extending = (base: string): string => {
      writeFileSync(join(folder, 'x.yaml'), `extends: ${base}\n`);
      return refused('x.yaml');
    };

    it('read no device or folder as a config, nor extend one', function () {
      if (process.platform === 'win32') this.skip();
      assert.equal(refused('/dev/null'), 'a pipe, a socket or a device');
      assert.equal(refused('.'), 'a folder');
      assert.match(extending('/dev/zero'), /not a file/);
      assert.match(extending('.'), /a folder, not a file/);
      assert.match(extending('x.yaml/y'), /a part of its path is no folder \(ENOTDIR\)/);
      assert.match(extending('y'.repeat(300)), /its name is longer than the file system takes/);
    });

    it('end a chain that links make endless', () => {
      symlinkSync('.', join(folder, 'again'));
      writeFileSync(join(folder, 'z.yaml'), 'extends: again/z.yaml\n');
      assert.match(refused('z.yaml'), /more than 40 files extend each other|circle|ELOOP/);
    });

    it('take text in UTF-8 only', () => {
      writeFileSync(join(folder, 'latin.yaml'), Buffer.from('name: caf\xe9\n', 'latin1'));
      assert.match(refused('latin.yaml'), /latin\.yaml is not UTF-8 text/);
    });
  });

  it('refuse amounts that no machine can work through', () => {
    const amounts = [
      'data.splits.calibration=1e15',
      'data.splits.test=1e15',
      'distill.duration={ epochs: 1e308 }',
      'distill.duration={ minutes: 1e308 }',
      'teacher={ train: { architecture: { imageSize: 8, patchSize: 4, width: 8, depth: 1e9, heads: 2, hidden: 8, classes: 2 } } }',
      `descendants.sparsities=[${Array.from({ length: 200 }, (_, i) => (i + 1) / 500).join(',')}]`,
      'measure.compositions=1e9',
      'statistics.batchSize=1e12',
    ];
    for (const set of amounts) {
      assert.throws(
        () => loadConfig('demo', methods, { overrides: [set] }),
        ({ failure }: BlockForgeError) => /expected at most \d+/.test(failure.found),
        set,
      );
    }
  });

  it('say what else a value may be, and cut a long list of mistakes', () => {
    const found = (set: string): string => {
      let text = '';
      assert.throws(
        () => loadConfig('demo', methods, { overrides: [set] }),
        ({ message }: BlockForgeError) => (text = message) !== '',
      );
      return text;
    };
    assert.match(
      found('order.ridge=x'),
      /^--set order\.ridge=x, order\.ridge: expected a number, or oracle-shrinkage/,
    );
    assert.match(found('order.ridge=-1'), /expected more than 0, found -1/);
    const many = `{ ${Array.from({ length: 80 }, (_, i) => `zz${i}q: 1`).join(', ')} }`;
    assert.match(found(`distill=${many}`), /80 problems[^]*\n {2}and 30 more$/);
  });
});
