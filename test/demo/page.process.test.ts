import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseCompositions } from '../../pipeline/compose/choose.ts';
import { openSpace } from '../../pipeline/compose/space.ts';
import type { DemoDocument } from '../../pipeline/demo/demo-document.ts';
import { serveFolder, type FolderServer } from '../../pipeline/demo/serve-folder.ts';
import { sharp } from '../../datasets/sharp.ts';
import { describeInChromium, looks, type OpenedPage } from '../support/chromium.ts';
import { imageCount, title, writtenDemo } from './rig.ts';

describeInChromium('the page of a demonstration', (chromium) => {
  let demo: Awaited<ReturnType<typeof writtenDemo>>;
  let server: FolderServer;
  let opened: OpenedPage;
  let facts: DemoDocument;

  const open = async (url: string, look = {}) => {
    const page = await chromium().open(url, { ...look, allow: (asked) => asked.startsWith(url) });
    await page.page.locator('#answers li').first().waitFor();
    return page;
  };
  const text = (id: string, { page } = opened) => page.locator(`#${id}`).innerText();
  const widths = async () =>
    (await opened.page.locator('#widths td.number').allInnerTexts()).map((one) => parseInt(one, 10));
  /** Moves the slider and waits until the model that it chose is there. */
  const slide = async (place: number) => {
    const slider = "document.getElementById('slider')";
    await opened.page.evaluate(`${slider}.value = ${place}; ${slider}.dispatchEvent(new Event('input'))`);
  };

  before(async () => {
    demo = await writtenDemo();
    facts = JSON.parse(readFileSync(join(demo.folder, 'demo.json'), 'utf8')) as DemoDocument;
    server = await serveFolder(demo.folder);
    opened = await open(server.url);
  });
  after(async () => {
    await opened.close();
    await server.close();
    await demo.remove();
  });

  it('starts as the teacher on WebAssembly, asks for nothing elsewhere, and takes strings of a library as text', async () => {
    assert.match(await text('status'), /^Runs with TensorFlow\.js: WebAssembly/);
    assert.deepEqual(await widths(), [20, 20]);
    assert.match(await opened.page.locator('h1').innerText(), new RegExp(title));
    assert.deepEqual(opened.refused, []);
    assert.deepEqual(opened.complaints, []);
  });

  it('finds of every model, on every image, what the pipeline found', async () => {
    const { page } = opened;
    for (const [place, { id, descendants }] of facts.models.entries()) {
      await page.locator('#models').selectOption(id);
      const expected = descendants.map((name) => Number(/w(\d+)$/.exec(name)?.[1])).join();
      await waitUntil(async () => (await widths()).join() === expected);
      await page.locator('#measure').click();
      const row = page.locator('#measured tbody tr').nth(place);
      await row.waitFor();
      const [images, agrees, right, run] = await row.locator('td').allInnerTexts();
      assert.equal(images, String(imageCount));
      assert.equal(run, `agrees ${agrees}, right ${right}: the same on every image`, id);
    }
  });

  it('chooses as compose does, and exchanges blocks in less than 100 ms', async () => {
    const space = openSpace(facts.space);
    const sizes = [0, 1].map(
      (last) =>
        space.compositionOf(space.blocks.map((items) => (last === 0 ? items.length - 1 : 0))).sizeBytes,
    );
    const [from, to] = sizes as [number, number];
    await opened.page.locator('#resource').selectOption('sizeBytes');
    const times: number[] = [];
    for (const place of [0, 200, 150, 30, 100, 170, 60, 0]) {
      const limit = place === 200 ? to : from + (place / 200) * (to - from);
      const found = chooseCompositions(space, { sizeBytes: limit }, { minimise: 'sizeBytes' });
      assert.ok(Array.isArray(found));
      const expected = found[0]!.descendants.map((id) => Number(/w(\d+)$/.exec(id)?.[1])).join();
      const differs = (await widths()).join() !== expected;
      await slide(place);
      await waitUntil(async () => (await widths()).join() === expected);
      if (differs) times.push(Number(/last exchange\s+([\d.]+) ms/.exec(await text('facts'))?.[1]));
    }
    times.sort((a, b) => a - b);
    assert.ok(times.length >= 5 && times[times.length >> 1]! < 100, `${times.join(', ')} ms`);
  });

  it('is moved by the keyboard alone', async () => {
    await opened.page.locator('#slider').focus();
    await opened.page.keyboard.press('End');
    await waitUntil(async () => (await widths()).join() === '20,20');
    await opened.page.keyboard.press('Home');
    await waitUntil(async () => (await widths()).join() === '5,5');
  });

  it('says of an image what the pipeline says, and whether the teacher does', async () => {
    await opened.page.locator('#slider').press('End');
    await waitUntil(async () => (await widths()).join() === '20,20');
    const pixels = Buffer.from(Array.from({ length: 12 * 10 * 3 }, (_, i) => (i * 37) % 256));
    const file = await sharp(pixels, { raw: { width: 12, height: 10, channels: 3 } })
      .png()
      .toBuffer();
    demo.runtime.use(facts.models[0]!.descendants);
    const said = (await demo.runtime.predict([file]))[0]!;
    await opened.page
      .locator('#file')
      .setInputFiles({ name: 'one.png', mimeType: 'image/png', buffer: file });
    await waitUntil(async () => /the chosen image/.test(await text('seen-text')));
    // Texts of the elements themselves: what lies between them is a matter of layout.
    const first = await opened.page.locator('#answers li').first().locator('span').allTextContents();
    assert.deepEqual(first.slice(0, 2), [
      `class ${said.classIndex}`,
      `${(100 * said.probability).toFixed(1)} %`,
    ]);
    assert.equal(await text('teacher-says'), `The teacher says class ${said.classIndex}, too.`);
  });

  it('says what is no image, and that there is no camera', async () => {
    const { page } = opened;
    await page
      .locator('#file')
      .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('none') });
    await page.getByText('this browser cannot read that as an image').waitFor();
    await page.locator('#camera').click();
    await page.getByText(/there is no camera here|the camera was not allowed/).waitFor();
  });

  it('goes on as it was where a block is damaged, and says which', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-demo-'));
    cpSync(demo.folder, folder, { recursive: true });
    const path = join(folder, 'blocks', 'block-00', 'w0005.safetensors');
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    const damaged = await serveFolder(folder);
    const other = await open(damaged.url);
    try {
      await other.page.locator('#models').selectOption('uniform/0.75/distilled');
      await other.page.locator('#problem').waitFor();
      assert.match(await text('problem', other), /blocks\/block-00\/w0005\.safetensors: content/);
      assert.match(await other.page.locator('#widths').innerText(), /20 of 20/);
      await other.page.locator('#models').selectOption('uniform/0.5/distilled');
      await other.page.getByText('10 of 20').first().waitFor();
    } finally {
      await other.close();
      await damaged.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says plainly what to do where it was opened as a file', async () => {
    const file = await chromium().open(join(demo.folder, 'index.html'), { allow: () => true });
    await file.page.getByText('opened as a file, where browsers fetch nothing').waitFor();
    await file.close();
  });

  it('is accessible in light, in dark and on a phone', async () => {
    assert.deepEqual(await opened.axe(), []);
    for (const name of ['dark', 'phone'] as const) {
      const other = await open(server.url, looks[name]);
      assert.deepEqual(await other.axe(), []);
      const overflow = await other.page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      assert.ok(overflow <= 0, `${name}: ${overflow} px wider than the screen`);
      await other.screenshot(`demo-${name}`);
      await other.close();
    }
    await opened.screenshot('demo-light');
  });
});

/** Asks again until it holds; the suite's time limit ends it. */
async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((done) => setTimeout(done, 10));
}
