import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spaceData } from '../../../pipeline/compose/space-data.ts';
import { openLibrary, type Library } from '../../../pipeline/library/open.ts';
import { libraryLatency } from '../../../pipeline/profile/latency.ts';
import { renderPage } from '../../../pipeline/report/render-page.ts';
import { random } from '../../../pipeline/util/random.ts';
import { writtenLibrary } from '../../library/fixture.ts';
import { describeInChromium, looks } from '../../support/chromium.ts';
import { program } from '../../support/program.ts';
import { budgetPage } from './budget-page.ts';
import { commandAnswer, commandSpace, wideManifest } from './wide-manifest.ts';

/** What stands in the controls: by their place, the share that a slider shows or the number in a field. */
type Settings = readonly { readonly place: number; readonly slider?: number; readonly field?: number }[];

interface Answer {
  readonly kind: string;
  readonly words: string;
  readonly command: string;
  readonly widths: readonly string[];
  readonly marked: readonly string[];
  readonly tookMs: number;
}

/** Runs in the page: each setting at once, and what it says then. */
const answersTo = `async (all) => {
  const place = document.querySelector('[data-budget]');
  const rows = [...place.querySelectorAll('.budget-row')];
  const set = (input, value) => { input.value = value; input.dispatchEvent(new Event('input')); };
  const found = [];
  for (const settings of all) {
    const before = place.dataset.answers;
    place.querySelector('.budget-controls > button').click();
    for (const { place: at, slider, field } of settings) {
      if (slider !== undefined) set(rows[at].querySelector('[type=range]'), slider);
      if (field !== undefined) set(rows[at].querySelector('[type=number]'), field);
    }
    while (place.dataset.answers === before) await new Promise((done) => setTimeout(done, 1));
    found.push({
      kind: place.dataset.answer,
      tookMs: Number(place.dataset.tookMs),
      words: place.querySelector('.budget-words').textContent,
      command: place.querySelector('.budget-command code').textContent,
      widths: [...place.querySelectorAll('.budget-widths li .number')].map((item) => item.textContent),
      marked: [...document.querySelectorAll('[data-descendant].chosen')].map((cell) => cell.dataset.descendant),
    });
  }
  return found;
}`;

function randomSettings(count: number): Settings[] {
  const draw = random(3, 'settings');
  // Parameters, multiply-adds, size and latency as amounts in the units of the page.
  const ranges = [
    [1.4, 6.2],
    [0.3, 1.4],
    [8, 30],
    [1, 8.5],
    [0, 25],
  ] as const;
  return Array.from({ length: count }, () =>
    draw
      .shuffle([0, 1, 2, 3, 4])
      .slice(0, 1 + draw.integer(3))
      .map((place) => {
        const [from, to] = ranges[place]!;
        if (draw.next() < 0.5) return { place, field: Number((from + (to - from) * draw.next()).toFixed(3)) };
        return { place, slider: place === 4 ? draw.integer(250) / 10 : draw.integer(201) / 2 };
      }),
  );
}

describeInChromium('the budget of a report', (chromium) => {
  // Seconds each; more where much else is going on.
  const patience = 240_000;
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let own: string;
  let library: Library;
  before(async function () {
    this.timeout(patience);
    folder = await writtenLibrary();
    own = await mkdtemp(join(tmpdir(), 'blockforge-budget-'));
    library = await openLibrary(folder.path);
  });
  after(() => Promise.all([folder.remove(), rm(own, { recursive: true, force: true })]));

  const write = async (name: string, depth: number) => {
    const manifest = wideManifest(library.manifest, depth, 9);
    const path = join(own, `${name}.html`);
    await writeFile(path, await renderPage(budgetPage(spaceData(manifest, libraryLatency(manifest)))));
    return { path, manifest };
  };

  it('chooses as the command that it shows, for 200 budgets', async function () {
    this.timeout(patience);
    const { path, manifest } = await write('twelve', 12);
    const opened = await chromium().open(path);
    const answers = await opened.page.evaluate<Answer[]>(
      `(${answersTo})(${JSON.stringify(randomSettings(200))})`,
    );
    const space = commandSpace(manifest);
    const kinds: Record<string, number> = {};
    for (const { kind, words, command, widths, marked } of answers) {
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      assert.match(command, / --/);
      const said = commandAnswer(command.replace('npm run pipeline -- ', '').split(' '), space);
      if (kind === 'nothing-fits') assert.ok(words.includes(said), `${command}\n${words}\n${said}`);
      else {
        assert.equal(marked.join(' '), said, command);
        const expected = said.split(' ').map((id) => `${Number(id.slice(-4))} of 768`);
        assert.deepEqual(widths, expected);
      }
    }
    assert.ok((kinds['fits'] ?? 0) > 80 && (kinds['nothing-fits'] ?? 0) > 20, JSON.stringify(kinds));
    const times = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    console.log(`    one choice: median ${times[100]} ms, 95 %: ${times[190]} ms, longest ${times[199]} ms`);
    assert.deepEqual([...opened.complaints, ...opened.refused], []);
    await opened.close();
  });

  it('has labels, keys and contrast, in light and dark and on a phone', async function () {
    this.timeout(patience);
    const { path } = await write('thirty-two', 32);
    for (const look of ['light', 'dark', 'phone', 'print'] as const) {
      const opened = await chromium().open(path, looks[look]);
      const slider = opened.page.getByLabel("Parameters, percent of the teacher's");
      if (look !== 'print') {
        await slider.focus();
        for (let presses = 0; presses < 10; presses++) await opened.page.keyboard.press('ArrowLeft');
        await opened.page
          .locator('[data-budget] > [role=status]', { hasText: /^Predicted top-1/ })
          .waitFor({ state: 'attached' });
        await opened.page.locator('.budget-command code', { hasText: /--params 95%$/ }).waitFor();
        assert.equal(await opened.page.locator('.chosen-mark').count(), 2);
        assert.deepEqual(await opened.axe(), []);
      }
      await opened.screenshot(`budget-${look}`);
      await opened.close();
    }
  });

  it('shows a few budgets where there is no JavaScript', async () => {
    const { path } = await write('twelve', 12);
    const opened = await chromium().open(path, { javaScript: false });
    assert.match(await opened.page.locator('.without-script').innerText(), /60 % of the parameters/);
    assert.deepEqual(opened.complaints, []);
    await opened.close();
  });

  it('shows a command that answers the same when it is run', async function () {
    this.timeout(patience);
    const path = join(folder.path, 'report.html');
    const data = spaceData(library.manifest, libraryLatency(library.manifest));
    await writeFile(path, await renderPage(budgetPage(data, '.')));
    const opened = await chromium().open(path);
    const settings: Settings[] = [
      [{ place: 0, slider: 95 }],
      [
        { place: 4, field: 20 },
        { place: 3, slider: 80 },
      ],
      [
        { place: 0, slider: 60 },
        { place: 4, field: 0.1 },
      ],
    ];
    const answers = await opened.page.evaluate<Answer[]>(`(${answersTo})(${JSON.stringify(settings)})`);
    for (const { kind, command, marked, words } of answers) {
      const line = command.replace('npm run pipeline -- ', '').split(' ');
      const { stdout, stderr } = spawnSync(process.execPath, [...program, ...line, '--dry-run', '--json'], {
        cwd: own,
        encoding: 'utf8',
      });
      if (kind === 'fits') {
        const { models } = JSON.parse(stdout) as { models: [{ descendants: string[] }] };
        assert.deepEqual(models[0].descendants, marked, command);
      } else
        assert.ok(
          `${stdout}${stderr}`.includes(words.slice(words.indexOf(': ') + 2, -1)),
          `${stderr}\n${words}`,
        );
    }
    await opened.close();
  });
});
