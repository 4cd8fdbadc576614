import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { renderPage } from '../../pipeline/report/render-page.ts';
import { describeInChromium, looks, type OpenedPage } from '../support/chromium.ts';
import { syntheticPage } from './synthetic-page.ts';

/** How far the page is wider than its window, in pixels. */
const sideways = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
const theme = (page: Page) => page.evaluate<string>('getComputedStyle(document.documentElement).colorScheme');
const firstCells = (page: Page, count: number) =>
  page.evaluate<string[]>(
    `[...document.querySelectorAll('[data-interactive] tbody tr')].filter((row) => !row.hidden).slice(0, ${count}).map((row) => row.cells[0].textContent)`,
  );
const lost = (page: Page) =>
  page.evaluate<number[]>(
    `[...document.querySelectorAll('[data-interactive] tbody td:nth-child(4)')].map((cell) => Number(cell.textContent))`,
  );

describeInChromium('a page of 12 blocks x 9 widths in a browser', (chromium) => {
  let folder: string;
  let path: string;
  /** With as many kinds of things and fewer of each: axe-core looks at every cell. */
  let small: string;
  let opened: OpenedPage;
  before(async function () {
    this.timeout(240_000);
    folder = await mkdtemp(join(tmpdir(), 'blockforge-page-'));
    path = join(folder, 'report.html');
    small = join(folder, 'small.html');
    await writeFile(path, await renderPage(syntheticPage(12, 9)));
    await writeFile(small, await renderPage(syntheticPage(2, 4)));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  afterEach(() => opened.close());

  for (const name of ['light', 'dark', 'phone'] as const) {
    it(`${name}: fits its window, without complaint, without network, and axe-core finds nothing`, async () => {
      opened = await chromium().open(small, looks[name]);
      assert.deepEqual(await opened.axe(), []);
      assert.ok((await sideways(opened.page)) <= 0);
      await opened.screenshot(`page-${name}`);
      assert.deepEqual([opened.complaints, opened.refused], [[], []]);
    });
  }

  it('opens, and asks for nothing', async () => {
    opened = await chromium().open(path);
    await opened.page.getByLabel('Filter').waitFor();
    assert.deepEqual([opened.complaints, opened.refused], [[], []]);
    console.log(`      to its first picture: ${opened.loadMs.toFixed(0)} ms`);
  });

  it('fits a window of 360 pixels and shows the narrow drawing there, the wide one on a screen', async () => {
    opened = await chromium().open(path, { width: 360, height: 740 });
    const { page } = opened;
    assert.ok((await sideways(page)) <= 0);
    const visible = (shape: string) => page.locator(`.drawing.${shape}`).first().isVisible();
    assert.deepEqual([await visible('wide'), await visible('narrow')], [false, true]);
    await page.setViewportSize({ width: 1280, height: 740 });
    assert.deepEqual([await visible('wide'), await visible('narrow')], [true, false]);
  });

  it('sorts a table by its headers, both ways, and says so', async () => {
    opened = await chromium().open(path);
    const { page } = opened;
    const header = page.locator('[data-interactive] th', { hasText: 'Lost, points' });
    await header.getByRole('button').click();
    assert.equal(await header.getAttribute('aria-sort'), 'ascending');
    const ascending = await lost(page);
    assert.deepEqual(
      ascending,
      ascending.toSorted((a, b) => a - b),
    );
    await header.getByRole('button').press('Enter');
    assert.equal(await header.getAttribute('aria-sort'), 'descending');
    assert.deepEqual(
      await lost(page),
      ascending.toSorted((a, b) => b - a),
    );
    await page.locator('[data-interactive] th', { hasText: 'Descendant' }).getByRole('button').click();
    assert.equal(await page.locator('[aria-sort]').count(), 1);
    assert.deepEqual(await firstCells(page, 2), ['block-0-10', 'block-0-20']);
  });

  it('keeps the rows that have the words of the filter, and counts them', async () => {
    opened = await chromium().open(path);
    const { page } = opened;
    const count = page.locator('.filter output');
    assert.equal(await count.textContent(), '108 rows');
    await page.getByLabel('Filter').fill('BLOCK-11 failed');
    assert.match((await count.textContent()) ?? '', /^\d+ of 108 rows$/);
    assert.ok((await firstCells(page, 200)).every((name) => name.startsWith('block-11-')));
    await page.getByLabel('Filter').fill('');
    assert.equal((await firstCells(page, 200)).length, 108);
  });

  it('tells what marks say to pointers, in drawings and in heat maps', async () => {
    opened = await chromium().open(path);
    const { page } = opened;
    const tip = page.locator('.tip');
    assert.equal(await tip.isVisible(), false);
    await page.locator('.drawing.wide [aria-label^="teacher"]').first().hover();
    assert.match((await tip.textContent()) ?? '', /^teacher: top-1 75.5 % \(73.6 to 77.4\)/);
    await page.locator('[data-descendant="b3-w2"]').first().hover();
    await tip.getByText('Block 3 at 70 %').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await tip.isVisible(), false);
  });

  it('is one stop of the Tab key per chart; the arrows go to every mark and read it out', async () => {
    opened = await chromium().open(path);
    const { page } = opened;
    const stops = await page.evaluate<number>(
      `document.querySelectorAll('.drawings [tabindex], .drawings a').length`,
    );
    assert.equal(stops, 0);
    const chart = page.locator('.drawings').first();
    await chart.focus();
    const spoken = page.locator('[role=status]').first();
    await chart.press('End');
    await spoken.getByText('teacher: top-1 75.5 %').waitFor({ state: 'attached' });
    assert.equal(await page.locator('.drawings .active').count(), 1);
    const all = await chart.locator('.wide [aria-label]').count();
    await page.keyboard.press('Home');
    const seen = new Set<string>();
    for (let i = 0; i < all; i += 1) {
      seen.add((await page.locator('.drawings .active').getAttribute('aria-label')) ?? '');
      await page.keyboard.press('ArrowRight');
    }
    assert.equal(seen.size, all);
    const heat = page.locator('.heat-map .scroll').first();
    await heat.focus();
    for (const key of ['Home', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    await spoken.getByText('Block 1 at 80 %').waitFor({ state: 'attached' });
    assert.equal(await page.locator('.drawings .active').count(), 0);
  });

  it('is light or dark as the system, or as the reader says, for as long as the browser keeps it', async () => {
    opened = await chromium().open(path, { scheme: 'dark' });
    const { page } = opened;
    assert.equal(await theme(page), 'dark');
    await page.getByRole('button', { name: 'Light colours' }).click();
    assert.equal(await theme(page), 'light');
    await page.reload();
    assert.equal(await theme(page), 'light');
    await page.getByRole('button', { name: 'Dark colours' }).click();
    assert.equal(await theme(page), 'dark');
  });

  it('on paper is light, has no controls, all of every table, and the folded numbers', async () => {
    opened = await chromium().open(path, { scheme: 'dark' });
    const { page } = opened;
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    assert.equal(await theme(page), 'light');
    for (const control of ['nav', '.theme', '.filter', 'summary']) {
      assert.equal(await page.locator(control).first().isVisible(), false, control);
    }
    assert.equal(await page.locator('details .table').first().isVisible(), true);
    const cut = await page.evaluate<number>(
      `[...document.querySelectorAll('.scroll')].filter((box) => getComputedStyle(box).maxHeight !== 'none' || getComputedStyle(box).overflowY !== 'visible').length`,
    );
    assert.equal(cut, 0);
    const pages =
      (await page.pdf({ format: 'A4' })).toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    assert.ok(pages >= 4 && pages <= 20, `${pages} pages`);
    await page.evaluate(`dispatchEvent(new Event('afterprint'))`);
    assert.equal(await page.locator('details[open]').count(), 0);
  });

  it('has everything but its controls without JavaScript', async () => {
    opened = await chromium().open(path, { javaScript: false });
    const { page } = opened;
    assert.equal(await page.locator('[data-interactive] tbody tr').count(), 108);
    assert.equal(await page.locator('.drawing.wide svg').first().isVisible(), true);
    assert.match(
      (await page.locator('[data-descendant="b3-w2"]').getAttribute('title')) ?? '',
      /^Block 3 at 70 %/,
    );
  });
});
