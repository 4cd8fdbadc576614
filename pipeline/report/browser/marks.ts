import { nextMark, type Direction, type PlacedMark } from './next-mark.ts';
import type { Tip } from './tip.ts';

/** All that says something when pointed at: of a drawing its labelled marks, of a table its cells and headers. */
const marks = '.drawing svg [aria-label], [data-tip]';

const directions: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
};

/** How far beside a thin mark a pointer still means it, in pixels. */
const reach = 6;

/** Tells what marks say, to pointers and to keys: a chart or a heat map is one stop of the Tab key, the arrows go on within it. */
export function startMarks(tip: Tip): void {
  // Without this script the browser shows titles itself.
  for (const titled of document.querySelectorAll<HTMLElement>('main [title]')) {
    titled.dataset['tip'] = titled.title;
    titled.removeAttribute('title');
  }
  let pointed: Element | undefined;
  const point = (event: PointerEvent) => {
    const mark = markAt(event);
    if (mark === pointed) return;
    pointed = mark;
    if (mark === undefined) tip.hide();
    else tip.show(mark, textOf(mark), 'pointer');
  };
  document.addEventListener('pointermove', point);
  document.addEventListener('pointerdown', point);
  const scrolled = () => {
    tip.hide();
    // Told a frame after it happened, when the pointer may be on the mark already: that mark says it again, in its place.
    if (pointed?.matches(':hover')) tip.show(pointed, textOf(pointed), 'pointer');
    else pointed = undefined;
  };
  document.addEventListener('scroll', scrolled, { capture: true, passive: true });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') tip.hide();
  });
  for (const button of document.querySelectorAll<HTMLElement>('[data-tip] > button')) {
    const header = button.parentElement;
    if (header === null) continue;
    button.addEventListener('focus', () => tip.show(header, textOf(header), 'keys'));
    button.addEventListener('blur', tip.hide);
  }
  for (const stop of document.querySelectorAll<HTMLElement>('.drawings, .heat-map .scroll')) walk(stop, tip);
}

function walk(stop: HTMLElement, tip: Tip): void {
  if (stop.querySelector(marks) === null) return;
  stop.tabIndex = 0;
  let active: Element | undefined;
  const leave = () => {
    active?.classList.remove('active');
    tip.hide();
  };
  stop.addEventListener('keydown', (event) => {
    const direction = directions[event.key];
    if (direction === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const placed = placedMarks(stop);
    const next = nextMark(placed, active, direction, stop.classList.contains('scroll'));
    if (next === undefined) return;
    event.preventDefault();
    leave();
    active = next;
    next.classList.add('active');
    next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    // After the scrolling has been told, which hides the tip.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (active === next) tip.show(next, textOf(next), 'keys');
      }),
    );
  });
  stop.addEventListener('focus', () => {
    if (stop.matches(':focus-visible')) tip.show(stop, 'Arrow keys tell what each mark says', 'keys');
  });
  stop.addEventListener('blur', () => {
    leave();
    active = undefined;
  });
}

/** Those of the drawing that is shown. */
function placedMarks(stop: HTMLElement): readonly PlacedMark<Element>[] {
  return [...stop.querySelectorAll(marks)].flatMap((mark) => {
    const { left, top, width, height } = mark.getBoundingClientRect();
    return width === 0 && height === 0 ? [] : [{ mark, x: left + width / 2, y: top + height / 2 }];
  });
}

function markAt({ clientX, clientY, target }: PointerEvent): Element | undefined {
  const direct = target instanceof Element ? target.closest(marks) : null;
  if (direct !== null) return direct;
  if (!(target instanceof Element) || target.closest('.drawing') === null) return undefined;
  for (const [x, y] of [
    [0, -reach],
    [reach, 0],
    [0, reach],
    [-reach, 0],
  ] as const) {
    const near = document.elementFromPoint(clientX + x, clientY + y)?.closest('.drawing svg [aria-label]');
    if (near !== null && near !== undefined) return near;
  }
  return undefined;
}

function textOf(mark: Element): string {
  return mark.getAttribute('data-tip') ?? mark.getAttribute('aria-label') ?? '';
}
