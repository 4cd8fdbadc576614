import { markup, type Markup } from '../markup.ts';
import type { HeatCell, HeatMapPart } from '../page.ts';
import { heatShades } from '../palette.ts';

/** From so many columns on, cells are small and headers stand upright. */
const manyColumns = 16;
/** Headers of more letters than this together stand upright, too. */
const manyLetters = 90;

/** A table whose cells have one of a few shades: a class each, as a Content-Security-Policy wants it. */
export function drawHeatMap({ caption, corner, columns, rows, scale }: HeatMapPart, id: string): Markup {
  // Below zero there is something to tell only of a change.
  const sizeOf = (value: number) => (scale === 'change' ? Math.abs(value) : value);
  const cells = rows.flatMap((row) => row.cells.filter((cell) => cell !== null && cell.plain !== true));
  const worst = cells.reduce<HeatCell | undefined>(
    (most, cell) =>
      cell !== null && Number.isFinite(cell.value) && !(most && sizeOf(most.value) >= sizeOf(cell.value))
        ? cell
        : most,
    undefined,
  );
  const most = worst === undefined ? 0 : sizeOf(worst.value);
  const shades = heatShades[scale === 'change' ? 'loss' : scale].length - 1;
  const shadeOf = (value: number) =>
    value > 0 && most > 0 ? Math.max(1, Math.min(shades, Math.ceil((value / most) * shades))) : 0;
  const lookOf = ({ value, plain }: HeatCell) => {
    if (plain === true) return 'plain';
    return `shade${shadeOf(sizeOf(value))}${scale === 'change' && value < 0 ? ' better' : ''}`;
  };
  const isLong = columns.reduce((sum, { length }) => sum + length, 0) > manyLetters;
  const drawCell = (cell: HeatCell | null) =>
    cell === null
      ? markup`<td></td>`
      : markup`<td class="${lookOf(cell)}" title="${cell.hover}"${
          cell.id !== undefined && markup` data-descendant="${cell.id}"`
        }>${cell.text}</td>`;
  return markup`<figure class="heat-map ${scale}${columns.length >= manyColumns && ' dense'}${isLong && ' upright'}" id="${id}">
<figcaption id="${id}-caption">${caption}</figcaption>
<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-caption">
<table aria-labelledby="${id}-caption"><thead><tr><th scope="col">${corner}</th>${columns.map(
    (title) => markup`<th scope="col">${title}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    ({ title, cells }) =>
      markup`<tr><th scope="row">${title}</th>${columns.map((_, i) => drawCell(cells[i] ?? null))}</tr>
`,
  )}</tbody></table>
</div>
${most > 0 && drawScale(scale, shades, worst?.text ?? '')}</figure>
`;
}

/** What the shades mean, under the map. */
function drawScale(scale: HeatMapPart['scale'], shades: number, most: string): Markup {
  const steps = Array.from({ length: shades + 1 }, (_, i) => markup`<i class="shade${i}"></i>`);
  if (scale !== 'change') {
    return markup`<p class="heat-scale" aria-hidden="true">0 <span>${steps}</span> ${most}</p>
`;
  }
  const better = Array.from({ length: shades }, (_, i) => markup`<i class="shade${shades - i} better"></i>`);
  return markup`<p class="heat-scale" aria-hidden="true">better <span>${better}${steps}</span> worse</p>
`;
}
