import { bundleBrowser } from './bundle-browser.ts';
import type { ReportPage } from './page.ts';
import { pageHtml } from './page-html.ts';
import { paletteCss } from './palette.ts';

/** One self-contained HTML file: no network, no server. Takes about a second, most of it to draw charts. */
export async function renderPage(page: ReportPage): Promise<string> {
  const [script, css] = await Promise.all([
    bundleBrowser(new URL('./browser/main.ts', import.meta.url)),
    bundleBrowser(new URL('./style/page.css', import.meta.url)),
  ]);
  return pageHtml(page, { script, style: `${paletteCss()}\n${css}` });
}
