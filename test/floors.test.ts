import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOffences, lowestFloors, readHouse } from './support/floors.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

describe('the floors of pipeline/', () => {
  it('are those of CONTRIBUTING.md', function () {
    this.timeout(60_000);
    const offences = findOffences(readHouse(root));
    assert.equal(offences.length, 0, `${offences.length} offences:\n${offences.join('\n')}`);
  });

  describe('are checked', () => {
    let house: string;
    beforeEach(() => {
      house = mkdtempSync(join(tmpdir(), 'blockforge-house-'));
    });
    afterEach(() => rmSync(house, { recursive: true }));

    const build = (floors: readonly [number, string][], files: Record<string, string>) => {
      const rows = floors.map(([floor, room]) => `| ${floor}     | \`${room}/\` | things |`);
      const head = ['| floor | room | holds |', '| ----- | ---- | ----- |'];
      writeFileSync(join(house, 'CONTRIBUTING.md'), [...head, ...rows, ''].join('\n'));
      for (const [name, code] of Object.entries(files)) {
        mkdirSync(dirname(join(house, name)), { recursive: true });
        writeFileSync(join(house, name), code);
      }
      return readHouse(house);
    };
    // Enough lines elsewhere, so that no room of a test is over a tenth.
    const wide = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`pipeline/r${i}/x.ts`, '\n'.repeat(200)]),
    );
    const wideFloors = Array.from({ length: 20 }, (_, i): [number, string] => [0, `r${i}`]);

    it('over every kind of import, in comments and strings none', () => {
      const found = findOffences(
        build([[0, 'low'], [1, 'a'], [1, 'b'], [2, 'top'], ...wideFloors], {
          ...wide,
          'pipeline/low/static.ts': "import { x } from '../top/x.ts';\n",
          'pipeline/low/type.ts': "import type { x } from '../top/x.ts';\n",
          'pipeline/low/inline.ts': "export type X = import('../top/x.ts').X;\n",
          'pipeline/low/again.ts': "export { x } from '../top/x.ts';\n",
          'pipeline/low/late.ts': "export const x = () => import('../top/x.ts');\n",
          'pipeline/low/path.ts': "export const x = new URL('../top/x.ts', import.meta.url);\n",
          'pipeline/low/none.ts':
            "// import '../top/x.ts';\nexport const text = \"import '../top/x.ts';\";\n",
          'pipeline/a/level.ts': "import '../b/x.ts';\n",
          'pipeline/b/x.ts': "import '../low/none.ts';\n",
          'pipeline/top/x.ts': "import '../a/level.ts';\nexport const x = 1;\n",
        }),
      );
      const upward = (name: string, kind: string) =>
        `not downward: low (0) -> top (2): pipeline/low/${name}.ts -> pipeline/top/x.ts (${kind})`;
      assert.deepEqual(found.sort(), [
        'not downward: a (1) -> b (1): pipeline/a/level.ts -> pipeline/b/x.ts (static)',
        upward('again', 'static'),
        upward('inline', 'type'),
        upward('late', 'late'),
        upward('path', 'path'),
        upward('static', 'static'),
        upward('type', 'type'),
      ]);
    });

    it('with circles of files, types included', () => {
      const found = findOffences(
        build([[0, 'a'], ...wideFloors], {
          ...wide,
          'pipeline/a/one.ts': "import type { X } from './two.ts';\n",
          'pipeline/a/two.ts': "import './three.ts';\n",
          'pipeline/a/three.ts': "export const x = () => import('./one.ts');\n",
          'pipeline/a/four.ts': "import './one.ts';\n",
        }),
      );
      assert.deepEqual(found, [
        'circle: pipeline/a/one.ts -> two.ts; pipeline/a/three.ts -> one.ts; pipeline/a/two.ts -> three.ts',
      ]);
    });

    it('with files that are too long, rooms that are too wide, not in the table, or not there', () => {
      const found = findOffences(
        build([[0, 'a'], [0, 'gone'], ...wideFloors], {
          ...wide,
          'pipeline/a/long.ts': '\n'.repeat(301),
          'pipeline/a/x.ts': '\n'.repeat(200),
          'pipeline/new/x.ts': '\n',
        }),
      );
      assert.deepEqual(found, [
        'no room: pipeline/new/x.ts',
        'nothing there: gone/',
        '301 lines: pipeline/a/long.ts',
        'too wide: a/ has 501 of 4502 lines, 11.1 %',
      ]);
    });

    it('with rooms within rooms, and rooms beside pipeline/', () => {
      const parts = build([[0, 'data'], [1, 'stages/low'], [2, 'stages'], ...wideFloors], {
        ...wide,
        'data/x.ts': "import '../pipeline/stages/low/x.ts';\n",
        'pipeline/stages/low/x.ts': "import '../index.ts';\n",
        'pipeline/stages/index.ts': 'export {};\n',
      });
      assert.deepEqual(findOffences(parts), [
        'not downward: stages/low (1) -> stages (2): pipeline/stages/low/x.ts -> pipeline/stages/index.ts (static)',
        'not downward: data (0) -> stages/low (1): data/x.ts -> pipeline/stages/low/x.ts (static)',
      ]);
      const floors = new Map(lowestFloors(parts).map(({ name, floor }) => [name, floor]));
      assert.deepEqual(
        ['stages', 'stages/low', 'data'].map((name) => floors.get(name)),
        [0, 1, 2],
      );
    });
  });
});
