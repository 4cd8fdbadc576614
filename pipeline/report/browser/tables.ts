import { element } from './element.ts';
import { hasWords, sortedOrder, sortKey } from './sorting.ts';

/** Makes a drawn table one to sort by its headers and to filter. */
export function startTable(place: HTMLElement): void {
  const body = place.querySelector('tbody');
  if (body === null) return;
  const rows = [...body.rows].map((row) => ({ row, text: row.textContent }));
  const headers = [...place.querySelectorAll<HTMLTableCellElement>('thead th')];
  for (const [column, header] of headers.entries()) {
    const button = element('button', { type: 'button' }, ...header.childNodes);
    header.append(button);
    const keys = rows.map(({ row }) => {
      const cell = row.cells[column];
      return sortKey(cell?.dataset['value'] ?? cell?.textContent ?? '');
    });
    button.addEventListener('click', () => {
      const direction = header.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending';
      for (const other of headers) other.removeAttribute('aria-sort');
      header.setAttribute('aria-sort', direction);
      body.append(...sortedOrder(keys, direction).map((i) => rows[i]!.row));
    });
  }
  place.querySelector('.scroll')?.before(filterOf(rows));
}

function filterOf(
  rows: readonly { readonly row: HTMLTableRowElement; readonly text: string }[],
): HTMLElement {
  const input = element('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' });
  const count = element('output', { 'aria-live': 'polite' });
  const show = () => {
    const kept = rows.filter(({ row, text }) => {
      row.hidden = !hasWords(text, input.value);
      return !row.hidden;
    });
    count.textContent = `${kept.length === rows.length ? '' : `${kept.length} of `}${rows.length} row${rows.length === 1 ? '' : 's'}`;
  };
  input.addEventListener('input', show);
  show();
  return element('p', { class: 'filter' }, element('label', {}, 'Filter', input), count);
}
