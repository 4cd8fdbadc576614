import { element } from './element.ts';

/** What a mark says, beside it; read out where it was reached by keys. */
export interface Tip {
  readonly show: (mark: Element, text: string, how: 'pointer' | 'keys') => void;
  readonly hide: () => void;
}

const gap = 8;

export function makeTip(): Tip {
  const shown = element('div', { class: 'tip', 'aria-hidden': 'true' });
  const spoken = element('div', { class: 'unseen', role: 'status' });
  shown.hidden = true;
  // Within a landmark, as all that a page says.
  (document.querySelector('main') ?? document.body).append(shown, spoken);
  return {
    show(mark, text, how) {
      shown.textContent = text;
      shown.hidden = false;
      if (how === 'keys') spoken.textContent = text;
      const { left, top } = placeOf(mark.getBoundingClientRect(), shown.getBoundingClientRect());
      shown.style.transform = `translate(${left}px, ${top}px)`;
    },
    hide() {
      shown.hidden = true;
      spoken.textContent = '';
    },
  };
}

/** Above the mark, below it where there is no room; never beyond the window. */
function placeOf(mark: DOMRect, tip: DOMRect): { readonly left: number; readonly top: number } {
  const { clientWidth, clientHeight } = document.documentElement;
  const within = (value: number, most: number) => Math.round(Math.max(4, Math.min(value, most - 4)));
  const above = mark.top - tip.height - gap;
  return {
    left: within(mark.left + mark.width / 2 - tip.width / 2, clientWidth - tip.width),
    top: within(above > 4 ? above : mark.bottom + gap, clientHeight - tip.height),
  };
}
