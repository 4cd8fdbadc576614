import { openSpace, type ComposeSpace, type Composition } from '../../compose/space.ts';
import type { DemoDocument, DemoModel } from '../demo-document.ts';
import { latencies, type Latencies } from './latencies.ts';
import type { BackendName, Started, Used } from './messages.ts';
import { openThread, type Thread } from './open-thread.ts';

/** What the page knows of the running model. One owner: `start-page.ts`; panels read it and ask it to change. */
export interface Session {
  readonly document: DemoDocument;
  readonly space: ComposeSpace;
  readonly times: Latencies;
  started: Started | undefined;
  /** What is in use; undefined until the first blocks are there. */
  composition: Composition | undefined;
  used: Used | undefined;
  /** From the moment it was asked for to the first inference that can use it, in milliseconds. */
  switchMs: number;
  compares: boolean;
  readonly agreement: { agreed: number; asked: number; readonly seen: Set<string> };
  thread: Thread;
  /** Starts a new thread with another engine; the old one and all its memory go. */
  restart(backend: BackendName | 'auto'): Promise<void>;
  /** Asks for a composition; of several asked for at once the last one counts. */
  want(composition: Composition): void;
}

export interface SessionEvents {
  /** Something to be shown has changed. */
  readonly onChange: () => void;
  /** What was asked for could not be done; the model goes on as it was. */
  readonly onProblem: (message: string) => void;
}

export function openSession(
  document: DemoDocument,
  script: string,
  { onChange, onProblem }: SessionEvents,
): Session {
  let wanted: { readonly composition: Composition; readonly since: number } | undefined;
  let busy = false;
  let isUsed = false;
  const exchange = async (composition: Composition, since: number) => {
    const { descendants } = composition;
    const used = await session.thread.ask('use', { descendants, teacher: session.compares });
    session.switchMs = performance.now() - since;
    const changed = session.composition?.descendants.join() !== descendants.join();
    session.composition = composition;
    session.used = used;
    if (!changed) return;
    session.times.exchange();
    Object.assign(session.agreement, { agreed: 0, asked: 0 });
    session.agreement.seen.clear();
  };
  const pump = async () => {
    if (busy) return;
    busy = true;
    while (wanted !== undefined) {
      const { composition, since } = wanted;
      wanted = undefined;
      await exchange(composition, since).catch((error: unknown) => onProblem((error as Error).message));
      onChange();
    }
    busy = false;
  };
  const session: Session = {
    document,
    space: openSpace(document.space),
    times: latencies(),
    started: undefined,
    composition: undefined,
    used: undefined,
    switchMs: 0,
    compares: false,
    agreement: { agreed: 0, asked: 0, seen: new Set() },
    thread: openThread(script),
    async restart(backend) {
      if (isUsed) {
        session.thread.close();
        session.thread = openThread(script);
      }
      isUsed = true;
      session.started = undefined;
      const base = new URL('.', location.href).href;
      session.started = await session.thread.ask('start', { document, base, backend });
      session.times.exchange();
    },
    want(composition) {
      wanted = { composition, since: performance.now() };
      void pump();
    },
  };
  return session;
}

/** The composition of these descendants. */
export function compositionOf(space: ComposeSpace, descendants: readonly string[]): Composition {
  return space.compositionOf(
    descendants.map((id, block) => (space.blocks[block] ?? []).findIndex((item) => item.id === id)),
  );
}

/** The model of the run that consists of these very descendants. */
export function measuredModel(
  { models }: DemoDocument,
  descendants: readonly string[],
): DemoModel | undefined {
  return models.find((model) => model.descendants.join() === descendants.join());
}
