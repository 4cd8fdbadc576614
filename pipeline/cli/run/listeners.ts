import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { withoutOperation } from '../../config/without-operation.ts';
import { contained, type Note } from '../../monitor/contained.ts';
import type { Listener, RunEnd, RunFacts } from '../../monitor/listener.ts';
import { statusFolder } from '../../runner/pulse-record.ts';
import type { Method } from '../../stages/common/method.ts';
import type { PlanInput } from '../../stages/common/plan-input.ts';
import { toolVersion } from '../../util/package.ts';
import { runResults } from './run-results.ts';

export interface ListenerOptions {
  readonly method: Pick<Method<Config>, 'library'>;
  readonly input: PlanInput;
  /** Absolute. */
  readonly runFolder: string;
  /** Whether what the run is for is up to date: what lies there from a run with other settings is no result of this one. */
  readonly hasResult: () => boolean;
  /** Takes a sentence about what one could not do. */
  readonly note: Note;
  /** Nobody waits any longer for what is still to be said. */
  readonly signal: AbortSignal;
}

interface Making extends ListenerOptions {
  readonly config: Config;
  readonly facts: RunFacts;
}

/** Each loads what it needs only where the config asks for it. Undefined: it does not, or it is noted why it cannot be. */
const makers: readonly {
  readonly name: string;
  /** What its own end may take; that is bounded already. */
  readonly closeMs: number;
  make(making: Making): Promise<Listener | undefined>;
}[] = [
  {
    name: 'monitor.prometheus',
    closeMs: 10_000,
    async make({ config, facts, note }) {
      const path = config.monitor.prometheus;
      if (path === undefined) return undefined;
      const { prometheus } = await import('../../monitor/prometheus/prometheus.ts');
      return prometheus({ path, facts, note });
    },
  },
  {
    name: 'monitor.tensorboard',
    closeMs: 10_000,
    async make({ config, runFolder, note }) {
      if (!config.monitor.tensorboard) return undefined;
      const { tensorboard } = await import('../../monitor/tensorboard/tensorboard.ts');
      return tensorboard({ folder: join(runFolder, 'tensorboard'), note });
    },
  },
  {
    name: 'monitor.mlflow',
    closeMs: 15_000,
    async make({ config, runFolder, facts, note, signal }) {
      const settings = config.monitor.mlflow;
      if (settings === undefined) return undefined;
      const [{ connectionOf }, { mlflow }] = await Promise.all([
        import('../../monitor/mlflow/connection.ts'),
        import('../../monitor/mlflow/mlflow.ts'),
      ]);
      const connection = connectionOf(settings, process.env);
      if (typeof connection !== 'string')
        return mlflow({
          connection,
          facts,
          memory: join(statusFolder(runFolder), 'mlflow.json'),
          note,
          signal,
        });
      note(connection);
      return undefined;
    },
  },
  {
    name: 'onFinish',
    closeMs: 70_000,
    async make({ config, facts, note, signal }) {
      const command = config.onFinish;
      if (command === undefined) return undefined;
      const { onFinish } = await import('../../monitor/hook/on-finish.ts');
      return onFinish({ command, facts, note, signal });
    },
  },
];

/** Those that the config asks for, in the order in which they are closed: the hook last, what it is told of is there then. */
export async function listenersOf(options: ListenerOptions): Promise<readonly Listener[]> {
  const { input, method, runFolder, hasResult, note } = options;
  const { config, name } = input.loaded;
  const facts: RunFacts = {
    name,
    folder: runFolder,
    engine: input.engine,
    version: await toolVersion(),
    config: withoutOperation(config),
    results: () => (hasResult() ? runResults(method, runFolder) : {}),
  };
  const listeners: Listener[] = [];
  for (const maker of makers) {
    const listener = await maker.make({ ...options, config, facts });
    if (listener !== undefined) listeners.push(contained(maker.name, listener, note, maker.closeMs));
  }
  return listeners;
}

/** One after the other, in their order. */
export async function closeListeners(listeners: readonly Listener[], end: RunEnd): Promise<void> {
  for (const listener of listeners) await listener.close(end);
}
