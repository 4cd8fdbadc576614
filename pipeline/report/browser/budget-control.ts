import type { ControlFacts } from '../budget/control-facts.ts';
import { element } from './element.ts';

export interface BudgetControl {
  readonly row: HTMLElement;
  /** As `compose` reads it; undefined while it is off. */
  readonly text: () => string | undefined;
  readonly turnOff: () => void;
}

/** A switch, a slider and a number field for one limit. Whichever was moved last says what the limit is. */
export function budgetControl(facts: ControlFacts, id: string, onChange: () => void): BudgetControl {
  const { option, title, unit, least, most, isShare } = facts;
  const [lowest, highest] = isShare ? [Math.floor((100 * least) / most), 100] : [0, most];
  const isOn = element('input', { type: 'checkbox', id: `${id}-on` });
  const slider = element('input', {
    type: 'range',
    id: `${id}-slider`,
    min: String(lowest),
    max: String(highest),
    step: isShare ? '0.5' : '0.1',
    value: String(highest),
    'aria-label': isShare ? `${title}, percent of the teacher's` : `${title}, percentage points`,
  });
  const field = element('input', {
    type: 'number',
    id: `${id}-field`,
    min: '0',
    step: 'any',
    inputmode: 'decimal',
    'aria-label': `${title} at most, in ${spoken(unit)}`,
  });
  const note = element('span', { class: 'budget-share' });
  const row = element(
    'div',
    { class: 'budget-row', 'data-option': option },
    element('label', { class: 'budget-name' }, isOn, ` ${title}`),
    slider,
    element('span', { class: 'budget-amount' }, field, ` ${unit}`),
    note,
  );
  let text = '';

  const say = (amount: number) => {
    const share = `${Number(((100 * amount) / most).toFixed(1))} % of the teacher's ${short(most)} ${unit}`;
    note.textContent = isShare ? share : 'points below the teacher';
    slider.setAttribute(
      'aria-valuetext',
      isShare ? `${share}: ${short(amount)} ${unit}` : `${amount} points`,
    );
  };
  const fromSlider = () => {
    const value = slider.valueAsNumber;
    const amount = isShare ? (value / 100) * most : value;
    text = isShare ? `${value}%` : `${value}${unit}`;
    field.value = String(short(amount));
    say(amount);
  };
  const fromField = () => {
    const value = field.valueAsNumber;
    isOn.checked = field.value !== '';
    text = `${field.value}${unit}`;
    if (!Number.isFinite(value)) return;
    slider.value = String(isShare ? (100 * value) / most : value);
    say(value);
  };
  const show = () => row.classList.toggle('on', isOn.checked);
  slider.addEventListener('input', () => {
    isOn.checked = true;
    fromSlider();
    show();
    onChange();
  });
  field.addEventListener('input', () => {
    fromField();
    show();
    onChange();
  });
  isOn.addEventListener('change', () => {
    if (field.value === '') fromSlider();
    show();
    onChange();
  });
  fromSlider();
  return {
    row,
    text: () => (isOn.checked ? text : undefined),
    turnOff() {
      isOn.checked = false;
      slider.value = String(highest);
      fromSlider();
      show();
    },
  };
}

function short(amount: number): number {
  return Number(amount.toPrecision(4));
}

function spoken(unit: string): string {
  const words: Readonly<Record<string, string>> = {
    '': 'units',
    k: 'thousands',
    M: 'millions',
    G: 'billions',
    B: 'bytes',
    kB: 'kilobytes',
    MB: 'megabytes',
    GB: 'gigabytes',
    ms: 'milliseconds',
    pp: 'percentage points',
  };
  return words[unit] ?? unit;
}
