import { formatAmount } from '../../compose/amounts.ts';
import { resources, type ComposeSpace, type Resource } from '../../compose/space.ts';
import { shareText } from '../budget/budget-table.ts';
import { teacherOf, type BudgetAnswer } from '../budget/choose-for.ts';
import type { BudgetPart } from '../page.ts';
import { element } from './element.ts';

type Fitting = Extract<BudgetAnswer, { kind: 'fits' }>;

const titles: Readonly<Record<Resource, string>> = {
  params: 'Parameters',
  macs: 'Multiply-adds',
  sizeBytes: 'Size',
  latencyMs: 'Latency',
};

/** The answer in a sentence, for the eye and for who listens. */
export function answerWords(answer: BudgetAnswer, space: ComposeSpace, part: BudgetPart): string {
  switch (answer.kind) {
    case 'nothing-asked':
      return 'No limit is set: switch one on, or move a slider.';
    case 'refused':
      return `That is no limit: ${answer.why}.`;
    case 'nothing-fits':
      return `Nothing in the library fits ${answer.asked}: ${answer.why}.`;
    case 'fits': {
      const { predictedDropPp, params } = answer.composition;
      return (
        `Predicted ${space.loss.of} ${(part.teacherTop1Percent - predictedDropPp).toFixed(1)} %: ${predictedDropPp.toFixed(2)} points below ` +
        `the teacher's ${part.teacherTop1Percent.toFixed(1)} %, with ${shareText(params, teacherOf(space).params)} of its parameters.`
      );
    }
  }
}

/** What there is to see of an answer, below its sentence. */
export function answerDetails(answer: BudgetAnswer, space: ComposeSpace): Node[] {
  if (answer.kind === 'nothing-fits')
    return answer.ways.length === 0
      ? []
      : [element('ul', {}, ...answer.ways.map((way) => element('li', {}, sentence(way))))];
  if (answer.kind !== 'fits') return [];
  return [
    element(
      'p',
      { class: 'budget-error' },
      `A prediction by ${space.loss.describe}; not a measurement. The command below measures the model that it writes.`,
    ),
    usesTable(answer, space),
    widthList(answer, space),
  ];
}

function usesTable({ composition, limits }: Fitting, space: ComposeSpace): HTMLElement {
  const teacher = teacherOf(space);
  const head = ['predicted', 'model', 'of teacher', 'teacher', 'limit'];
  const rows = resources.flatMap((name) => {
    const [value, whole, limit] = [composition[name], teacher[name], limits[name]];
    if (value === null || whole === null || whole === 0) return [];
    const title =
      name === 'latencyMs' && space.latency?.isWhole === false ? 'Latency of the blocks' : titles[name];
    const cells = [
      formatAmount(name, value),
      shareText(value, whole),
      formatAmount(name, whole),
      limit === undefined ? '' : formatAmount(name, limit),
    ];
    return [
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, title),
        ...cells.map((text) => element('td', { class: 'number' }, text)),
      ),
    ];
  });
  return element(
    'div',
    { class: 'table scroll', tabindex: '0', role: 'region', 'aria-label': 'What the chosen model uses' },
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          ...head.map((title, i) =>
            element('th', { scope: 'col', ...(i > 0 && { class: 'number' }) }, title),
          ),
        ),
      ),
      element('tbody', {}, ...rows),
    ),
  );
}

/** Hidden units that are kept, a bar for each block. */
function widthList({ widths }: Fitting, { blocks }: ComposeSpace): HTMLElement {
  const items = widths.map((width, block) => {
    const whole = blocks[block]![0]!.width;
    const bar = element('span', { class: 'budget-bar' });
    bar.style.width = `${(100 * width) / whole}%`;
    return element(
      'li',
      {},
      element('span', { class: 'budget-block' }, `block ${block}`),
      element('span', { class: 'budget-track', 'aria-hidden': 'true' }, bar),
      element('span', { class: 'number' }, `${width} of ${whole}`),
    );
  });
  return element('ol', { class: 'budget-widths', 'aria-label': 'Hidden units kept in each block' }, ...items);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
