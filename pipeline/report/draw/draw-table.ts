import { markup, type Markup } from '../markup.ts';
import type { Cell, TablePart } from '../page.ts';

/** A table in a box of its own that scrolls sideways. Those to sort and filter are made so by `browser/tables.ts`. */
export function drawTable({ caption, columns, rows, interactive }: TablePart, id: string): Markup {
  const isNumber = columns.map(({ align }, i) =>
    align === undefined ? areNumbers(rows.map((row) => row[i])) : align === 'right',
  );
  const side = (i: number) => isNumber[i] === true && markup` class="number"`;
  return markup`<div class="table"${interactive === true && markup` data-interactive`} id="${id}">
<p class="caption" id="${id}-caption">${caption}</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-caption">
<table aria-labelledby="${id}-caption"><thead><tr>${columns.map(
    ({ title, about }, i) =>
      markup`<th scope="col"${side(i)}${about !== undefined && markup` title="${about}"`}>${title}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    (row) =>
      markup`<tr>${columns.map((_, i) => drawCell(row[i] ?? { text: '' }, i === 0, side(i)))}</tr>
`,
  )}</tbody></table>
</div>
</div>
`;
}

function drawCell({ text, value, tone, id }: Cell, isFirst: boolean, side: Markup | false): Markup {
  const sortedBy = value !== undefined && String(value) !== text && markup` data-value="${String(value)}"`;
  const shown = tone === undefined ? text : markup`<span class="tone ${tone}">${text}</span>`;
  const chosenAs = id !== undefined && markup` data-descendant="${id}"`;
  return isFirst
    ? markup`<th scope="row"${side}${sortedBy}${chosenAs}>${shown}</th>`
    : markup`<td${side}${sortedBy}>${shown}</td>`;
}

function areNumbers(cells: readonly (Cell | undefined)[]): boolean {
  const filled = cells.filter((cell) => cell !== undefined && cell.text !== '');
  return filled.length > 0 && filled.every((cell) => typeof cell?.value === 'number');
}
