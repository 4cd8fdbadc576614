import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportOfRun } from '../../pipeline/cli/report/report-of-run.ts';
import { writePage } from '../../pipeline/report/write-page.ts';
import { describeInChromium, looks, type Look } from '../support/chromium.ts';
import { writeLargeRun } from './large-run/write-large-run.ts';

/** What the page of a large run may take. */
const mostMs = 1000;
const mostBytes = 3 * 2 ** 20;

describeInChromium('the report of a run of twelve blocks and nine widths', (chromium) => {
  let parent: string;
  let path: string;

  before(async () => {
    parent = mkdtempSync(join(tmpdir(), 'blockforge-report-'));
    path = join(parent, 'report.html');
    await writePage(path, await reportOfRun(await writeLargeRun(parent)));
  });
  after(() => rmSync(parent, { recursive: true }));

  it('is one file of a few megabytes that opens in a second, complains of nothing and asks nobody', async () => {
    const { size } = statSync(path);
    assert.ok(size <= mostBytes, `${size} bytes`);
    // Others may be at work here: where the clock says more, what the page's own process computed has to be less.
    const times: { readonly clock: number; readonly processor: number }[] = [];
    do {
      const opened = await chromium().open(path);
      times.push({ clock: opened.loadMs, processor: opened.processorMs });
      assert.deepEqual([opened.complaints, opened.refused], [[], []]);
      await opened.close();
    } while (Math.min(...times.map(({ clock }) => clock)) >= mostMs && times.length < 4);
    const told = times.map(
      ({ clock, processor }) => `${Math.round(clock)} (computing ${Math.round(processor)})`,
    );
    console.log(`        ${(size / 1e6).toFixed(2)} MB, opened in ${told.join(', ')} ms`);
    assert.ok(
      Math.min(...times.map(({ clock, processor }) => Math.min(clock, processor))) < mostMs,
      told.join(),
    );
  });

  for (const [name, look] of Object.entries(looks) as [keyof typeof looks, Look][]) {
    it(`is accessible and fits its width: ${name}`, async () => {
      const opened = await chromium().open(path, look);
      await opened.screenshot(`large-${name}`);
      const wider = await opened.page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      // A pixel is rounding.
      assert.ok(wider <= 1, `${wider} pixels too wide`);
      // It looks at every cell, for seconds: what differs only as two others do is looked at by people.
      if (['light', 'dark', 'phone'].includes(name)) assert.equal((await opened.axe()).join('\n'), '');
      assert.deepEqual([opened.complaints, opened.refused], [[], []]);
      await opened.close();
    });
  }

  it('has all its text without JavaScript', async () => {
    const opened = await chromium().open(path, { javaScript: false });
    for (const title of ['Where the time went', 'Warnings and gates', 'Provenance'])
      assert.ok(await opened.page.getByRole('heading', { name: title }).isVisible(), title);
    assert.deepEqual(opened.complaints, []);
    await opened.close();
  });
});
