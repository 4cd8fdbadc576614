import type { DemoDocument } from '../demo-document.ts';
import { drawPixels } from './draw-pixels.ts';
import { element, elementOf, make } from './elements.ts';
import type { Picture, Predicted } from './messages.ts';
import { pictureOf, pictureOfFile } from './picture-of.ts';
import { openSamples } from './sample-images.ts';
import type { Session } from './session.ts';
import { startCamera } from './start-camera.ts';

/** What is looked at. */
type Subject =
  | { readonly kind: 'sample'; readonly index: number }
  | { readonly kind: 'picture'; readonly picture: Picture; readonly name: string }
  | { readonly kind: 'camera'; readonly video: HTMLVideoElement };

export interface LookPanel {
  /** The model has changed: the same is looked at again. */
  readonly again: () => void;
}

/** So many inferences of one still image make a median. */
const stillInferences = 13;
/** Between two samples of a walk, in milliseconds. */
const stride = 500;
const shownSamples = 24;

/** Images of all kinds, and what is said of them. */
export function startLookPanel(
  session: Session,
  onChange: () => void,
  onProblem: (message: string) => void,
): LookPanel {
  const { document: facts } = session;
  let subject: Subject | undefined;
  let running = false;
  let walking = 0;
  let stop: (() => void) | undefined;

  const look = (next: Subject | undefined) => {
    if (next?.kind !== 'camera') stop?.();
    subject = next;
    void run();
  };
  const once = async () => {
    const now = subject;
    if (now === undefined) return;
    const image =
      now.kind === 'sample'
        ? { sample: now.index }
        : now.kind === 'picture'
          ? now.picture
          : pictureOf(now.video, now.video.videoWidth, now.video.videoHeight);
    const said = await session.thread.ask('predict', { image, teacher: session.compares });
    // Asked before an exchange or another image: an answer about something else.
    if (said.descendants.join() !== session.composition?.descendants.join() || subject !== now) return;
    session.times.add(said.milliseconds);
    count(session, said, now);
    show(facts, said, now);
    onChange();
  };
  const rests = () =>
    subject === undefined ||
    session.composition === undefined ||
    (subject.kind !== 'camera' && session.times.count() >= stillInferences && !fresh);
  /** The subject or the model changed since the last answer. */
  let fresh = true;
  const run = async () => {
    fresh = true;
    if (running) return;
    running = true;
    while (!rests()) {
      fresh = false;
      try {
        await once();
      } catch (error) {
        onProblem((error as Error).message);
        break;
      }
      // What is not seen is not computed: browsers hold frames of hidden pages back.
      await new Promise((done) => requestAnimationFrame(done));
    }
    running = false;
  };

  const takeFile = async (file: Blob | undefined | null, name: string) => {
    if (file === undefined || file === null) return;
    try {
      look({ kind: 'picture', picture: await pictureOfFile(file), name });
    } catch (error) {
      onProblem((error as Error).message);
    }
  };
  const chosen = elementOf(HTMLInputElement, 'file');
  chosen.addEventListener('change', () => void takeFile(chosen.files?.[0], 'the chosen image'));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    void takeFile(event.dataTransfer?.files[0], 'the dropped image');
  });
  addEventListener('paste', (event) => void takeFile(event.clipboardData?.files[0], 'the pasted image'));

  const camera = element('camera');
  camera.addEventListener('click', () => {
    if (stop !== undefined) {
      stop();
      return;
    }
    startCamera(elementOf(HTMLVideoElement, 'video')).then(
      ({ video, end }) => {
        camera.setAttribute('aria-pressed', 'true');
        stop = () => {
          end();
          camera.setAttribute('aria-pressed', 'false');
          stop = undefined;
          if (subject?.kind === 'camera') subject = undefined;
        };
        look({ kind: 'camera', video });
      },
      (error: unknown) => onProblem((error as Error).message),
    );
  });

  const walk = element('walk');
  walk.addEventListener('click', () => {
    const starts = walking === 0;
    clearInterval(walking);
    walking = 0;
    walk.setAttribute('aria-pressed', String(starts));
    if (!starts) return;
    const step = () => {
      const at = subject?.kind === 'sample' ? subject.index + 1 : 0;
      look({ kind: 'sample', index: at % (facts.images?.count ?? 1) });
    };
    walking = setInterval(step, stride) as unknown as number;
    step();
  });
  if (facts.images !== null) {
    walk.hidden = false;
    void showSamples(facts, (index) => look({ kind: 'sample', index })).catch((error: unknown) =>
      onProblem((error as Error).message),
    );
    subject = { kind: 'sample', index: 0 };
  }
  return { again: () => void run() };
}

async function showSamples(facts: DemoDocument, onPick: (index: number) => void): Promise<void> {
  const samples = await openSamples(facts, new URL('.', location.href).href);
  const some = Array.from({ length: Math.min(samples.count, shownSamples) }, (_, index) => {
    const canvas = make('canvas', [], { 'aria-hidden': 'true' });
    drawPixels(canvas, samples.pixels(index), facts);
    const button = make('button', [canvas], { type: 'button', 'aria-label': labelOf(facts, index) });
    button.addEventListener('click', () => onPick(index));
    return button;
  });
  element('samples').replaceChildren(...some);
}

function count({ agreement }: Session, { teacherClass, classes }: Predicted, subject: Subject): void {
  if (teacherClass === undefined) return;
  const key = subject.kind === 'sample' ? `sample ${subject.index}` : subject.kind;
  if (subject.kind !== 'camera' && agreement.seen.has(key)) return;
  agreement.seen.add(key);
  agreement.asked++;
  if (classes[0]?.index === teacherClass) agreement.agreed++;
}

function show(facts: DemoDocument, { classes, teacherClass, seen }: Predicted, subject: Subject): void {
  const canvas = elementOf(HTMLCanvasElement, 'seen');
  drawPixels(canvas, seen, facts);
  const what =
    subject.kind === 'sample'
      ? labelOf(facts, subject.index)
      : subject.kind === 'picture'
        ? subject.name
        : 'the camera';
  canvas.setAttribute('aria-label', what);
  element('seen-text').textContent = `What the model sees: ${what}`;
  element('answers').replaceChildren(
    ...classes.map(({ index, probability }) => {
      const bar = make('span', [], { class: 'bar', 'aria-hidden': 'true' });
      bar.style.inlineSize = `${100 * probability}%`;
      const percent = `${(100 * probability).toFixed(1)} %`;
      return make('li', [
        make('span', nameOf(facts, index)),
        make('span', percent, { class: 'number' }),
        bar,
      ]);
    }),
  );
  element('teacher-says').textContent =
    teacherClass === undefined
      ? ''
      : `The teacher says ${nameOf(facts, teacherClass)}${teacherClass === classes[0]?.index ? ', too.' : '.'}`;
}

function nameOf({ classNames }: DemoDocument, index: number): string {
  return classNames?.[index] ?? `class ${index}`;
}

function labelOf(facts: DemoDocument, index: number): string {
  return `sample ${index + 1}, ${nameOf(facts, facts.images?.labels[index] ?? -1)}`;
}
