import { element, elementOf, inside, make } from './elements.ts';
import { compositionOf, measuredModel, type Session } from './session.ts';

/** Per request, so that the slider need not wait long. */
const batchImages = 20;

export interface CheckPanel {
  /** The model in use has changed. */
  readonly follow: () => void;
}

/** Measures models on the images of the demonstration, beside what the run found on the same ones. */
export function startCheckPanel(session: Session, onProblem: (message: string) => void): CheckPanel {
  const { document: facts, space } = session;
  const { images } = facts;
  const models = elementOf(HTMLSelectElement, 'models');
  const button = elementOf(HTMLButtonElement, 'measure');
  const progress = elementOf(HTMLProgressElement, 'measuring');
  element('check-lead').textContent =
    `The run measured these on ${facts.measuredOn}. ` +
    (images === null
      ? 'This folder holds none of these images, so nothing can be measured again here.'
      : `The first ${images.count} of them are here, prepared by the pipeline: the page measures on these what it runs, with its own ` +
        'engine. Where engines round differently, an image whose two likeliest classes are nearly tied may change.');
  models.append(
    make('option', 'none of them', { value: '' }),
    ...facts.models.map(({ id, label, agreementPercent }) =>
      make('option', `${label}: ${agreementPercent.toFixed(1)} % agreement`, { value: id }),
    ),
  );
  models.addEventListener('change', () => {
    const model = facts.models.find(({ id }) => id === models.value);
    if (model !== undefined) session.want(compositionOf(space, model.descendants));
  });
  button.disabled = images === null;
  button.addEventListener('click', () => {
    void measure().catch((error: unknown) => onProblem((error as Error).message));
  });

  const measure = async () => {
    const { composition, thread } = session;
    if (composition === undefined || images === null) return;
    const ids = composition.descendants.join();
    let [agree, correct] = ['', ''];
    button.disabled = true;
    progress.hidden = false;
    try {
      for (let from = 0; from < images.count; from += batchImages) {
        const to = Math.min(images.count, from + batchImages);
        const found = await thread.ask('measure', { from, to });
        if (found.descendants.join() !== ids)
          throw new Error('the model was changed while it was measured: measure again');
        agree += found.agree;
        correct += found.correct;
        progress.value = to / images.count;
      }
    } finally {
      button.disabled = false;
      progress.hidden = true;
    }
    addRow(agree, correct, composition.descendants);
  };

  const addRow = (agree: string, correct: string, descendants: readonly string[]) => {
    const model = measuredModel(facts, descendants);
    const run = model === undefined ? undefined : images?.scores[model.id];
    const widths = descendants.map((id) => id.replace(/.*w0*/, '')).join(' ');
    const table = element('measured');
    table.hidden = false;
    inside(table, 'tbody').append(
      make('tr', [
        make('th', model?.label ?? `widths ${widths}`, { scope: 'row' }),
        make('td', String(agree.length), { class: 'number' }),
        make('td', counted(agree), { class: 'number' }),
        make('td', counted(correct), { class: 'number' }),
        make('td', run === undefined ? 'not measured' : compared(run, { agree, correct })),
      ]),
    );
  };
  return {
    follow: () => {
      models.value = measuredModel(facts, session.composition?.descendants ?? [])?.id ?? '';
    },
  };
}

interface Scored {
  readonly agree: string;
  readonly correct: string;
}

function compared(run: Scored, here: Scored): string {
  const differing = Array.from(run.agree).filter(
    (digit, i) => digit !== here.agree[i] || run.correct[i] !== here.correct[i],
  ).length;
  const same = differing === 0 ? 'the same on every image' : `different on ${differing}`;
  return `agrees ${counted(run.agree)}, right ${counted(run.correct)}: ${same}`;
}

function counted(digits: string): string {
  const holds = Array.from(digits).filter((digit) => digit === '1').length;
  return `${holds} (${((100 * holds) / digits.length).toFixed(1)} %)`;
}
