import assert from 'node:assert/strict';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { runCompose } from '../../../pipeline/cli/compose/command.ts';
import { parseArguments } from '../../../pipeline/cli/arguments.ts';
import type { ComposeCommand } from '../../../pipeline/cli/compose/arguments.ts';
import { spaceData } from '../../../pipeline/compose/space-data.ts';
import type { SpaceData } from '../../../pipeline/compose/space.ts';
import { openLibrary, type Library } from '../../../pipeline/library/open.ts';
import { libraryLatency } from '../../../pipeline/profile/latency.ts';
import type { Budget, BudgetAnswer } from '../../../pipeline/report/budget/choose-for.ts';
import { composeCommand, libraryPlace } from '../../../pipeline/report/budget/compose-command.ts';
import { budgetTable } from '../../../pipeline/report/budget/budget-table.ts';
import { plain, type Terminal } from '../../../pipeline/terminal/terminal.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { writtenLibrary } from '../../library/fixture.ts';
import { commandAnswer, commandSpace, randomBudgets, wideManifest } from './wide-manifest.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** The code of the page, in a world that has nothing but the language. */
async function pageChooser(): Promise<(data: SpaceData, budget: Budget) => BudgetAnswer> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { chooseFor } from './pipeline/report/budget/choose-for.ts';
        import { openSpace } from './pipeline/compose/space.ts';
        globalThis.answer = (data, budget) => JSON.stringify(chooseFor(openSpace(JSON.parse(data)), JSON.parse(budget)));`,
      resolveDir: root,
    },
    ...{ absWorkingDir: root, bundle: true, minify: true, write: false, logLevel: 'silent' },
    ...{ format: 'iife', platform: 'browser', target: 'es2022' },
  });
  const world = createContext({});
  runInContext(outputFiles.map(({ text }) => text).join(''), world);
  return (data, budget) => {
    const call = `answer(${JSON.stringify(JSON.stringify(data))}, ${JSON.stringify(JSON.stringify(budget))})`;
    return JSON.parse(runInContext(call, world) as string) as BudgetAnswer;
  };
}

const inWords = (answer: BudgetAnswer) =>
  answer.kind === 'fits' ? answer.composition.descendants.join(' ') : 'why' in answer ? answer.why : '';

/** Of what the page tells to paste. */
const wordsOf = (command: string) => command.replace('npm run pipeline -- ', '').split(' ');

describe('report/budget', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let library: Library;
  let choose: Awaited<ReturnType<typeof pageChooser>>;
  before(async function () {
    this.timeout(60_000);
    folder = await writtenLibrary();
    library = await openLibrary(folder.path);
    choose = await pageChooser();
  });
  after(() => folder.remove());

  it('chooses as the command does that it tells to paste, for 200 budgets', function () {
    this.timeout(60_000);
    // Small, for speed; the page's own test has 12 blocks of 9 widths.
    const manifest = wideManifest(library.manifest, 6, 6);
    const data = spaceData(manifest, libraryLatency(manifest));
    const space = commandSpace(manifest);
    const kinds: Record<string, number> = {};
    for (const budget of randomBudgets(1, 200)) {
      const found = choose(data, budget);
      kinds[found.kind] = (kinds[found.kind] ?? 0) + 1;
      const command = composeCommand(budget, { library: folder.path });
      assert.equal(inWords(found), commandAnswer(wordsOf(command), space), command);
    }
    // Both kinds of answers are many.
    assert.ok((kinds['fits'] ?? 0) > 80 && (kinds['nothing-fits'] ?? 0) > 20, JSON.stringify(kinds));
  });

  it('answers as the command itself, with what it uses and why not', async () => {
    const data = spaceData(library.manifest, libraryLatency(library.manifest));
    for (const budget of [
      { params: '95%' },
      { size: '30kB', 'max-drop': '20pp' },
      { 'max-drop': '20pp' },
      { latency: '70%', macs: '97%' },
      { params: '1' },
      { params: '90%', 'max-drop': '0.1pp' },
    ] as Budget[]) {
      const words = [...wordsOf(composeCommand(budget, { library: folder.path })), '--dry-run', '--json'];
      const found = choose(data, budget);
      const said = await ranCompose(words);
      if (found.kind === 'fits') {
        const { models } = JSON.parse(said) as { models: [Record<string, unknown>] };
        assert.deepEqual({ widths: found.widths, ...found.composition }, models[0]);
      } else assert.ok(said.includes(inWords(found)), `${said}\n${inWords(found)}`);
    }
  });

  it('says what is no limit', () => {
    const data = spaceData(library.manifest);
    assert.deepEqual(choose(data, {}), { kind: 'nothing-asked' });
    for (const budget of [{ params: '0M' }, { params: 'M' }, { 'max-drop': '101pp' }, { params: '0.00001%' }])
      assert.equal(choose(data, budget).kind, 'refused', JSON.stringify(budget));
  });

  it('has a few budgets for pages without code', () => {
    const manifest = wideManifest(library.manifest, 12, 9);
    const data = spaceData(manifest);
    const table = budgetTable({ kind: 'budget', space: data, library: 'library', teacherTop1Percent: 80 });
    assert.equal(table.rows.length, 3);
    const found = choose(data, { params: '60%' });
    assert.ok(found.kind === 'fits');
    assert.equal(table.rows[1]?.at(-1)?.text, found.widths.join(' '));
  });

  it('writes the command for a shell, with the library where the page finds it', () => {
    assert.equal(
      composeCommand({ params: '62.5%', 'max-drop': '1.5pp' }, { library: "/a b/it's", profile: 'laptop' }),
      `npm run pipeline -- compose '/a b/it'\\''s' --params 62.5% --max-drop 1.5pp --profile laptop`,
    );
    assert.equal(
      libraryPlace('library', 'file:///tmp/my%20runs/demo/report.html'),
      '/tmp/my runs/demo/library',
    );
    assert.equal(libraryPlace('library', 'file:///C:/runs/report.html'), 'C:/runs/library');
    assert.equal(libraryPlace('library', 'https://example.org/report.html'), 'library');
  });
});

/** What it wrote, or why it refused. */
async function ranCompose(words: readonly string[]): Promise<string> {
  const parsed = parseArguments(words, '1.2.3');
  assert.ok('asked' in parsed);
  let text = '';
  const terminal: Terminal = {
    write: (part) => void (text += part),
    ...{ eraseLine: '', isLive: false, columns: 100, paint: plain },
  };
  const silent = { ...terminal, write: () => undefined };
  const around = {
    stdout: terminal,
    stderr: silent,
    cwd: '/',
    unheard: new AbortController().signal,
    commands: [],
  };
  try {
    await runCompose(parsed.asked as ComposeCommand, around);
    return text;
  } catch (error) {
    if (error instanceof BlockForgeError) return error.message;
    throw error;
  }
}
