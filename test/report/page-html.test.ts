import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { pageHtml } from '../../pipeline/report/page-html.ts';
import type { ReportPage } from '../../pipeline/report/page.ts';
import { syntheticPage } from './synthetic-page.ts';

const parts = { script: 'void 0', style: 'a{}' };
const hash = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

/** The page with every text of it replaced. */
function withTexts(page: ReportPage, text: string): ReportPage {
  const kept = new Set([
    'kind',
    'level',
    'tone',
    'align',
    'scale',
    'type',
    'field',
    'format',
    'autosize',
    'shape',
    'x',
  ]);
  const change = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return kept.has(key) || key === 'source' ? value : text;
    if (Array.isArray(value)) return value.map((item) => change(item, key));
    if (typeof value !== 'object' || value === null) return value;
    if (key === 'spec') return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, change(inner, name)]));
  };
  return change(page, '') as ReportPage;
}

describe('a page of a report', function () {
  this.timeout(60_000);
  let page: string;
  before(async () => {
    page = await pageHtml(syntheticPage(2, 3), parts);
  });

  it('lets nothing run or style it but what it came with, and asks for nothing', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/
      .exec(page)?.[1]
      ?.replaceAll('&#39;', "'");
    assert.equal(
      policy,
      `default-src 'none'; img-src data:; style-src '${hash(parts.style)}'; script-src '${hash(parts.script)}'; base-uri 'none'; form-action 'none'`,
    );
    assert.doesNotMatch(page, / style="| on[a-z]+="/);
    const addresses = [...page.matchAll(/\bhttps?:[^"' <)]*/g)].map(([address]) => address);
    assert.deepEqual([...new Set(addresses)], ['http://www.w3.org/2000/svg']);
  });

  it('escapes texts wherever they stand', async () => {
    const hostile = `"'><img src=x onerror=alert(1)></script></style></svg><!--`;
    const drawn = await pageHtml(withTexts(syntheticPage(2, 2), hostile), parts);
    assert.doesNotMatch(drawn, /<img src=x/);
    assert.doesNotMatch(drawn, /<!--/);
    for (const [tag, times] of [
      ['script', 1],
      ['style', 1],
      ['title', 1],
    ] as const) {
      assert.equal(drawn.split(`</${tag}>`).length - 1, times, tag);
    }
    assert.ok(drawn.split('&lt;img src=x').length > 50);
  });

  it('has every id once, and links that lead somewhere', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, target] of page.matchAll(/(?: href="#| aria-labelledby="|url\(#)([^")]*)/g)) {
      assert.ok(ids.includes(target), target);
    }
  });

  it('tells sections of one name apart', async () => {
    const section = { id: 'Ärger!', title: 'x', parts: [] };
    const drawn = await pageHtml(
      { ...syntheticPage(1, 1), sections: [section, section, { ...section, id: 'report' }] },
      parts,
    );
    const ids = [...drawn.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id);
    assert.equal(new Set([...ids, 'report']).size, 4);
  });

  it('shows no image but data of a bitmap', async () => {
    const gallery = (source: string): ReportPage => ({
      ...syntheticPage(1, 1),
      sections: [
        {
          id: 'images',
          title: 'Images',
          parts: [
            { kind: 'gallery', caption: 'c', images: [{ source, alternative: 'a dog', lines: ['dog'] }] },
          ],
        },
      ],
    });
    assert.match(
      await pageHtml(gallery('data:image/png;base64,AAAA'), parts),
      /<img src="data:image\/png;base64,AAAA" alt="a dog"/,
    );
    for (const source of [
      'https://example.org/x.png',
      'data:image/svg+xml;base64,AAAA',
      'data:image/png;base64,AA"A',
    ]) {
      assert.doesNotMatch(await pageHtml(gallery(source), parts), /<img/);
    }
  });

  it('of 12 blocks x 9 widths is far below 3 MB', async () => {
    const large = await pageHtml(syntheticPage(12, 9), parts);
    assert.ok(Buffer.byteLength(large) < 1e6, `${Buffer.byteLength(large)} bytes`);
  });
});
