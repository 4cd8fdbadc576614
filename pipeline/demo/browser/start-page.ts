import { formatBytes } from '../../util/format.ts';
import { documentFile, type DemoDocument } from '../demo-document.ts';
import { startBudget } from './budget-control.ts';
import { startCheckPanel } from './check-panel.ts';
import { element, elementOf, inside, make, showFacts } from './elements.ts';
import { startLookPanel } from './look-panel.ts';
import { backendNames, type BackendName } from './messages.ts';
import { openSession, compositionOf, type Session } from './session.ts';
import { showModel } from './show-model.ts';

/** More than this is fetched after a click. */
const askedBytes = 50e6;

/** @param script the address of this bundle */
export function startPage(script: string): void {
  run(script).catch((error: unknown) => say((error as Error).message));
}

async function run(script: string): Promise<void> {
  if (location.protocol === 'file:') {
    say(
      'This page was opened as a file, where browsers fetch nothing. Serve its folder: npm run pipeline -- demo RUN --serve, ' +
        'or put it on any file host.',
    );
    return;
  }
  const facts = await fetchDocument();
  const session = openSession(facts, script, {
    onChange: () => {
      if (session.composition !== undefined) budget.follow(session.composition);
      check.follow();
      showModel(session);
      look.again();
    },
    onProblem: (message) => {
      showProblem(message);
      if (session.composition !== undefined) budget.follow(session.composition);
    },
  });
  const budget = startBudget(session.space, (composition) => {
    hideProblem();
    session.want(composition);
  });
  const check = startCheckPanel(session, showProblem);
  const look = startLookPanel(session, () => showModel(session), showProblem);
  const first = firstComposition(session);
  startCompare(session);
  await askFirst(first.sizeBytes, session);
  element('backend').addEventListener('change', () => void start(session, first));
  element('backend').append(
    make('option', 'what suits', { value: 'auto' }),
    ...backendNames.map((name) => make('option', names[name], { value: name })),
  );
  inside(document, 'main').hidden = false;
  await start(session, first);
}

const names: Readonly<Record<BackendName, string>> = {
  wasm: 'WebAssembly',
  webgpu: 'WebGPU',
  webgl: 'WebGL',
};

async function start(session: Session, first: Session['composition'] & object): Promise<void> {
  const backend = elementOf(HTMLSelectElement, 'backend').value as BackendName | 'auto';
  hideProblem();
  say('Starting the engine, fetching the frame ...');
  try {
    await session.restart(backend);
  } catch (error) {
    say('Nothing computes here.');
    showProblem((error as Error).message);
    return;
  }
  const { started } = session;
  say(`Runs with ${started?.description}.`);
  const everything = session.document.blocks.flatMap(({ descendants }) => descendants);
  const bytes = everything.reduce((sum, { file }) => sum + file.sizeBytes, session.document.frame.sizeBytes);
  showFacts(element('engine'), [
    {
      name: 'computes',
      value: started?.description ?? '',
      note: 'the forward pass of the pipeline, in a thread of its own',
    },
    {
      name: 'files',
      value: `${formatBytes(bytes)} in all`,
      note: `${bytes > askedBytes ? 'fetched when first needed' : 'fetched ahead, as it is small'}, ${
        started?.hashes
          ? 'each held to its SHA-256'
          : 'their sizes checked; contents cannot be on a page that came over http'
      }`,
    },
    {
      name: 'manifest',
      value: session.document.manifestSha256.slice(0, 16),
      note: 'SHA-256 of the library’s manifest, its beginning',
    },
  ]);
  session.want(session.composition ?? first);
  // A small library is fetched ahead, block by block, so that no exchange waits for a file.
  if (bytes > askedBytes) return;
  const { thread } = session;
  // What cannot be had is told when it is needed.
  for (const { id } of everything) await thread.ask('fetch', { ids: [id] }).catch(() => undefined);
}

/** The teacher where the library is small; of a large one the leanest model, which fetches least. */
function firstComposition({ document, space }: Session): Session['composition'] & object {
  const leanest = document.blocks.map(({ descendants }) => descendants[descendants.length - 1]!.id);
  const own = document.blocks.map(({ descendants }) => descendants[0]!.id);
  const whole = compositionOf(space, own);
  return whole.sizeBytes <= askedBytes ? whole : compositionOf(space, leanest);
}

function startCompare(session: Session): void {
  const compare = elementOf(HTMLInputElement, 'compare');
  const whole = session.space.compositionOf(session.space.blocks.map(() => 0));
  compare.checked = session.compares = whole.sizeBytes <= askedBytes;
  compare.addEventListener('change', () => {
    session.compares = compare.checked;
    if (session.composition !== undefined) session.want(session.composition);
  });
}

/** Nobody's month of mobile data goes without a question. */
async function askFirst(bytes: number, { document: facts }: Session): Promise<void> {
  if (bytes <= askedBytes) return;
  const images = facts.images?.file.sizeBytes ?? 0;
  const button = make('button', `Fetch ${formatBytes(bytes + images)}`, { type: 'button' });
  element('status').replaceChildren(
    'The narrowest model of this library is large. Wider blocks are fetched when the slider asks for them. ',
    button,
  );
  await new Promise((done) => button.addEventListener('click', done, { once: true }));
}

async function fetchDocument(): Promise<DemoDocument> {
  const response = await fetch(documentFile).catch(() => undefined);
  if (response?.ok !== true)
    throw new Error(
      `${documentFile} cannot be fetched: the folder of this page is not whole, or is not served`,
    );
  const found = (await response.json().catch(() => undefined)) as DemoDocument | undefined;
  if (found?.kind !== 'blockforge-demo') throw new Error(`${documentFile} is no demonstration's`);
  return found;
}

function say(text: string): void {
  element('status').textContent = text;
}

function showProblem(text: string): void {
  const place = element('problem');
  place.textContent = text;
  place.hidden = false;
}

function hideProblem(): void {
  element('problem').hidden = true;
}
