import { formatBytes, formatCount } from '../../util/format.ts';
import { element, inside, make, showFacts } from './elements.ts';
import { measuredModel, type Session } from './session.ts';

/** The widths and the numbers of the model in use. */
export function showModel(session: Session): void {
  const { composition, used } = session;
  if (composition === undefined || used === undefined) return;
  showWidths(session);
  const { space, document, agreement } = session;
  const whole = space.compositionOf(space.blocks.map(() => 0));
  const model = measuredModel(document, composition.descendants);
  const { exchange, fetchMs, memoryBytes, teacherBytes } = used;
  showFacts(element('facts'), [
    latencyFact(session),
    {
      name: 'weights in memory',
      value: formatBytes(memoryBytes),
      note:
        `${share(memoryBytes / whole.sizeBytes)} of the teacher's` +
        (teacherBytes === 0 ? '' : `; beside them ${formatBytes(teacherBytes)} to ask the teacher`),
    },
    {
      name: 'agrees with the teacher here',
      value: agreement.asked === 0 ? 'not asked' : `on ${agreement.agreed} of ${agreement.asked} images`,
      note: 'images shown below since the last exchange',
    },
    {
      name: 'predicted to lose',
      value: `${composition.predictedDropPp.toFixed(2)} points of top-1`,
      note: `by ${space.loss.describe}`,
    },
    {
      name: 'measured by the run',
      value:
        model === undefined
          ? 'not as a whole'
          : `${model.agreementPercent.toFixed(1)} % agreement` +
            (model.top1Percent === undefined ? '' : `, ${model.top1Percent.toFixed(1)} % right`),
      note:
        model === undefined
          ? 'this mix of widths is only predicted'
          : `${model.label}; ${document.measuredOn}`,
    },
    {
      name: 'parameters, multiply-adds',
      value: `${formatCount(composition.params)}, ${formatCount(composition.macs)}`,
      note: `${share(composition.macs / whole.macs)} of the teacher's multiply-adds`,
    },
    {
      name: 'last exchange',
      value: `${session.switchMs.toFixed(1)} ms`,
      note:
        `${exchange.loaded.length} blocks, ${formatBytes(exchange.bytesLoaded)}; from the slider to the first inference that can use them` +
        (fetchMs === 0 ? '' : `, ${fetchMs.toFixed(0)} ms of it fetching files`),
    },
  ]);
}

/** The time alone changes with every inference. */
function latencyFact({ times }: Session): { name: string; value: string; note: string } {
  const [now, before] = [times.median(), times.before()];
  if (now === undefined)
    return { name: 'time of an image', value: 'not yet', note: 'look at something below' };
  const change =
    before === undefined
      ? ''
      : `; ${signed(100 * (now / before - 1))} % against ${before.toFixed(2)} ms before`;
  return {
    name: 'time of an image',
    value: `${now.toFixed(2)} ms`,
    note: `median of the last ${times.count()}, prepared pixels to answer${change}`,
  };
}

function showWidths({ composition, document }: Session): void {
  const body = inside(element('widths'), 'tbody');
  body.replaceChildren(
    ...document.blocks.map(({ name, hidden, descendants }, block) => {
      const width = descendants.find(({ id }) => id === composition?.descendants[block])?.width ?? 0;
      const bar = make('span', [], { class: 'bar' });
      bar.style.inlineSize = `${(100 * width) / hidden}%`;
      return make('tr', [
        make('th', name, { scope: 'row' }),
        make('td', [bar], { class: 'bars', 'aria-hidden': 'true' }),
        make('td', `${width} of ${hidden}`, { class: 'number' }),
      ]);
    }),
  );
}

function share(value: number): string {
  return `${(100 * value).toFixed(0)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(0)}`;
}
