import type { DrawnScale } from '../charts/drawn-scale.ts';
import { place } from '../charts/place.ts';
import type { Resource } from '../../compose/space.ts';

/** What the budget chose, as the rest of the page shows it. */
export interface Chosen {
  /** What the model uses; null where it is not known. */
  readonly uses: Readonly<Record<Resource, number | null>>;
  /** As predicted: the y of charts with `ChartPart.chosen`. */
  readonly top1Percent: number;
  /** Ids, one per block: marked in heat maps and tables. */
  readonly descendants: readonly string[];
  /** What the mark in charts says. */
  readonly says: string;
}

/** Marks it in every chart of costs and in every heat map and in tables of descendants; undefined takes the marks away. */
export function showChosen(chosen: Chosen | undefined): void {
  for (const drawing of document.querySelectorAll<HTMLElement>('[data-chosen]')) markInChart(drawing, chosen);
  const ids = new Set(chosen?.descendants);
  for (const cell of document.querySelectorAll<HTMLElement>('[data-descendant]')) {
    cell.classList.toggle('chosen', ids.has(cell.dataset['descendant'] ?? ''));
  }
}

interface Scales {
  readonly x: DrawnScale;
  readonly y: DrawnScale;
}

function markInChart(drawing: HTMLElement, chosen: Chosen | undefined): void {
  drawing.querySelector('.chosen-mark')?.remove();
  const svg = drawing.querySelector('svg');
  const resource = drawing.dataset['chosen'] as Resource | undefined;
  const use = resource === undefined ? undefined : chosen?.uses[resource];
  if (svg === null || chosen === undefined || use === undefined || use === null) return;
  const { x, y } = JSON.parse(drawing.dataset['scales'] ?? '{}') as Scales;
  const [left, top] = [place(x, use), place(y, chosen.top1Percent)];
  if (left === undefined || top === undefined) return;
  const mark = document.createElementNS('http://www.w3.org/2000/svg', 'g');
  mark.setAttribute('class', 'chosen-mark');
  mark.setAttribute('transform', `translate(${left} ${top})`);
  mark.setAttribute('aria-label', chosen.says);
  for (const radius of [9, 3]) {
    const circle = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    circle.setAttribute('r', String(radius));
    mark.append(circle);
  }
  svg.append(mark);
}
