import { createHash } from 'node:crypto';
import { drawBudget } from './draw/draw-budget.ts';
import { drawChart } from './draw/draw-chart.ts';
import { drawGallery } from './draw/draw-gallery.ts';
import { drawHeatMap } from './draw/draw-heat-map.ts';
import { drawNotices } from './draw/draw-notices.ts';
import { drawTable } from './draw/draw-table.ts';
import { markup, markupOf, prose, trusted, type Markup } from './markup.ts';
import { pageMark } from './page-mark.ts';
import type { Part, ReportPage, Section } from './page.ts';

/** The page as a file that nothing from elsewhere can get into: what runs and what styles is named by its hash, all else is text or data. */
export async function pageHtml(
  page: ReportPage,
  { script, style }: { readonly script: string; readonly style: string },
): Promise<string> {
  const ids = sectionIds(page.sections);
  const sections: Markup[] = [];
  for (const [i, section] of page.sections.entries()) sections.push(await drawSection(section, ids[i]!));
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const drawn = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${trusted(pageMark)}
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="#report">Skip to the report</a>
<div class="page">
<header>
<p class="made-by">BlockForge report</p>
<h1>${page.title}</h1>
${page.headline.map((sentence) => markup`<p class="headline">${prose(sentence)}</p>`)}
<dl class="facts">${page.facts.map(({ label, value }) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
</header>
<nav aria-label="Contents"><ol>${page.sections.map(
    ({ title }, i) => markup`<li><a href="#${ids[i]}">${title}</a></li>`,
  )}</ol></nav>
<main id="report" tabindex="-1">
${sections}</main>
</div>
<script>${trusted(script)}</script>
</body>
</html>
`;
  return markupOf(drawn);
}

async function drawSection({ title, lead, parts }: Section, id: string): Promise<Markup> {
  const drawn: Markup[] = [];
  for (const [i, part] of parts.entries()) drawn.push(await drawPart(part, `${id}--${i + 1}`));
  return markup`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${lead !== undefined && markup`<p class="lead">${prose(lead)}</p>`}
${drawn}</section>
`;
}

async function drawPart(part: Part, id: string): Promise<Markup> {
  switch (part.kind) {
    case 'text':
      return markup`<p class="text">${prose(part.text)}</p>
`;
    case 'notices':
      return drawNotices(part);
    case 'table':
      return drawTable(part, id);
    case 'chart':
      return await drawChart(part, id);
    case 'heat-map':
      return drawHeatMap(part, id);
    case 'gallery':
      return drawGallery(part, id);
    case 'budget':
      return drawBudget(part, id);
  }
}

/** What links can hold, and no two alike. */
function sectionIds(sections: readonly Section[]): readonly string[] {
  const taken = new Set(['report']);
  return sections.map(({ id }, i) => {
    const kept = id.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const own = kept === '' || taken.has(kept) ? `${kept}-${i + 1}` : kept;
    taken.add(own);
    return own;
  });
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
