import { openSpace } from '../../compose/space.ts';
import { chooseFor, type Budget, type BudgetAnswer } from '../budget/choose-for.ts';
import { composeCommand, libraryPlace } from '../budget/compose-command.ts';
import { controlFacts } from '../budget/control-facts.ts';
import type { BudgetPart } from '../page.ts';
import { answerDetails, answerWords } from './budget-answer.ts';
import { budgetControl } from './budget-control.ts';
import { showChosen } from './chosen.ts';
import { element } from './element.ts';

/** A choice that took longer than this many milliseconds is made again only when the controls rest. */
const quick = 50;
const rest = 150;
/** Who listens hears what came of it, not every step on the way. */
const listen = 600;

/** Puts the controls into their place, and shows what `compose` would choose while they are moved. */
export function startBudget(place: HTMLElement, part: BudgetPart): void {
  const space = openSpace(part.space);
  const library = libraryPlace(part.library, location.href);
  let waiting: number | undefined;
  let tookMs = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(answer, tookMs > quick ? rest : 0);
  };
  const controls = controlFacts(space).map((facts) => ({
    option: facts.option,
    ...budgetControl(facts, `${place.id}-${facts.option}`, later),
  }));
  const words = element('p', { class: 'budget-words' });
  const details = element('div', { class: 'budget-details' });
  const heard = element('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const command = element('code');
  const copied = element('span', { class: 'budget-copied', role: 'status' });
  const copy = element('button', { type: 'button' }, 'Copy');
  const commandBox = element(
    'div',
    { class: 'budget-command' },
    element('pre', { tabindex: '0', 'aria-label': 'The command that makes this model' }, command),
    copy,
    copied,
  );
  const clear = element('button', { type: 'button' }, 'No limits');
  clear.addEventListener('click', () => {
    for (const { turnOff } of controls) turnOff();
    later();
  });
  copy.addEventListener('click', () => {
    void copyText(command).then((done) => (copied.textContent = done ? 'Copied' : 'Selected: press Ctrl+C'));
  });
  const about = part.space.latency;
  place.querySelector<HTMLElement>('.without-script')?.setAttribute('hidden', '');
  place.append(
    element(
      'fieldset',
      { class: 'budget-controls' },
      element('legend', {}, 'At most'),
      ...controls.map(({ row }) => row),
      clear,
      ...(about === null ? [] : [element('p', { class: 'budget-about' }, `Latency: ${about.describe}.`)]),
    ),
    element('div', { class: 'budget-answer' }, words, details, commandBox),
    heard,
  );

  let speaking: number | undefined;
  let answers = 0;
  function answer(): void {
    const budget: Budget = Object.fromEntries(controls.map(({ option, text }) => [option, text()]));
    const begun = performance.now();
    const found = chooseFor(space, budget);
    tookMs = performance.now() - begun;
    const said = answerWords(found, space, part);
    words.textContent = said;
    details.replaceChildren(...answerDetails(found, space));
    commandBox.hidden = found.kind !== 'fits';
    command.textContent = composeCommand(budget, { ...part, library });
    copied.textContent = '';
    place.dataset['answer'] = found.kind;
    place.dataset['tookMs'] = tookMs.toFixed(1);
    place.dataset['answers'] = String(++answers);
    mark(found, said, part);
    clearTimeout(speaking);
    speaking = window.setTimeout(() => (heard.textContent = said), listen);
  }
  answer();
}

function mark(found: BudgetAnswer, says: string, part: BudgetPart): void {
  if (found.kind !== 'fits') {
    showChosen(undefined);
    return;
  }
  const { params, macs, sizeBytes, latencyMs, descendants, predictedDropPp } = found.composition;
  showChosen({
    uses: { params, macs, sizeBytes, latencyMs },
    top1Percent: part.teacherTop1Percent - predictedDropPp,
    descendants,
    says: `Chosen for the budget. ${says}`,
  });
}

/** @returns false where there is no clipboard for this page: the text is selected then */
async function copyText(source: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection()?.selectAllChildren(source);
    return false;
  }
}
