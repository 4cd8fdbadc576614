import type { Event } from '../runner/contract.ts';
import { withoutPassword } from '../util/without-password.ts';
import type { Listener } from './listener.ts';

/** Takes a sentence about what a listener could not do. */
export type Note = (text: string) => void;

/** Notes the first of what goes wrong: a server that is down all night is one line in the morning. */
export function noteOnce(note: Note): Note {
  let noted = false;
  return (text) => {
    if (!noted) note(withoutPassword(text));
    noted = true;
  };
}

/**
 * A listener that a run cannot fail by: what its functions throw is a note, once, and it is not waited for longer than it may take.
 * @param name as the config calls it, e.g. `monitor.mlflow`
 * @param closeMs after which `close` goes on without it
 */
export function contained(name: string, listener: Listener, note: Note, closeMs: number): Listener {
  const complain = noteOnce(note);
  const report = (error: unknown) =>
    complain(
      `${name}: ${error instanceof Error ? error.message : String(error)}; the run goes on without it`,
    );
  return {
    handle(event: Event) {
      try {
        listener.handle(event);
      } catch (error) {
        report(error);
      }
    },
    async close(end) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          complain(`${name}: still not done after ${Math.round(closeMs / 1000)} s; not waited for`);
          resolve();
        }, closeMs);
      });
      await Promise.race([listener.close(end).catch(report), late]);
      clearTimeout(timer);
    },
  };
}
