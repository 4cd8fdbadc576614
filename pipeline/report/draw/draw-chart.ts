import { chartSvg } from '../charts/chart-svg.ts';
import { markup, trusted, type Markup } from '../markup.ts';
import type { ChartPart } from '../page.ts';
import { drawTable } from './draw-table.ts';

/** Both drawings, of which the page's style shows the one that fits, and the numbers folded away. */
export async function drawChart(part: ChartPart, id: string): Promise<Markup> {
  const { title, alternative, numbers, chosen } = part;
  const drawings = [];
  for (const shape of ['wide', 'narrow'] as const) {
    const { svg, scales } = await chartSvg(part.spec, shape, `${id}-${shape}`);
    const marked =
      chosen !== undefined &&
      scales !== undefined &&
      markup` data-chosen="${chosen.x}" data-scales="${JSON.stringify(scales)}"`;
    drawings.push(
      markup`<div class="drawing ${shape}" role="img" aria-label="${alternative}"${marked}>${trusted(svg)}</div>
`,
    );
  }
  return markup`<figure class="chart" id="${id}">
<figcaption id="${id}-caption">${title}</figcaption>
<div class="drawings" role="group" aria-labelledby="${id}-caption">
${drawings}</div>
${
  numbers !== undefined &&
  markup`<details><summary>The numbers<span class="unseen"> of ${title}</span></summary>
${drawTable(numbers, `${id}-numbers`)}</details>
`
}</figure>
`;
}
