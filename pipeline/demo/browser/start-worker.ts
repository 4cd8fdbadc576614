import type { Reply, Request } from './messages.ts';
import { startModelThread, type ModelThread } from './model-thread.ts';

/** Answers the page, one request after the other: what was asked first is done first. */
export function startWorker(): void {
  const thread = self as unknown as { postMessage(reply: Reply): void; onmessage: unknown };
  let model: ModelThread | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const perform = async (request: Request) => {
    if (request.kind === 'start') {
      model = await startModelThread(request.given);
      return model.started;
    }
    if (model === undefined) throw new Error('nothing has been started');
    if (request.kind === 'use') return model.use(request.given);
    if (request.kind === 'fetch') return model.fetch(request.given);
    if (request.kind === 'predict') return model.predict(request.given);
    return model.measure(request.given);
  };
  thread.onmessage = ({ data: request }: { readonly data: Request }) => {
    last = last.then(async () => {
      try {
        thread.postMessage({ id: request.id, answer: await perform(request) });
      } catch (error) {
        thread.postMessage({ id: request.id, problem: (error as Error).message });
      }
    });
  };
}
