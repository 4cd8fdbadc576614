import type { Config } from '../../config/schema.ts';
import { precisionEnvironment } from '../../precision/resolve-precision.ts';
import type { Executor } from '../../runner/executor.ts';
import { localExecutor, type LocalSettings } from '../../runner/local/executor.ts';
import type { Method } from '../../stages/common/method.ts';
import type { PlanInput } from '../../stages/common/plan-input.ts';
import { engineSlots } from '../../tensor/installed.ts';

/** Enough to keep many workers busy; more only wait in the queue instead of here. */
const queuedAtOnce = 1000;
const localQueue = 'redis://127.0.0.1:6379';

/**
 * The executor that the config asks for: the only place that makes one for a run.
 * @param note takes a sentence about what is not as it should be
 * @throws BlockForgeError `place-unusable` where there is no queue
 */
export async function makeExecutor(
  method: Pick<Method<Config>, 'registry' | 'name'>,
  input: PlanInput,
  runFolder: string,
  note: (text: string) => void,
): Promise<Executor> {
  const { executor, precision } = input.loaded.config;
  if (executor.type === 'local') return makeLocalExecutor(method, input, runFolder);
  const [{ bullmqExecutor }, { ownNeeds }] = await Promise.all([
    import('../../runner/bullmq/executor.ts'),
    import('./own-needs.ts'),
  ]);
  const queue = executor.queue ?? (process.env.BLOCKFORGE_QUEUE || localQueue);
  const { name, store, slots = queuedAtOnce, recycleGb, silentMinutes } = executor;
  return bullmqExecutor({
    ...{ queue, name, store, slots, runFolder, note, method: method.name },
    needs: await ownNeeds(input.engine),
    child: {
      recycleBytes: recycleGb * 1e9,
      silentMs: silentMinutes === null ? null : silentMinutes * 60_000,
      precision,
    },
  });
}

/** Does jobs in processes of this machine, whatever the config says. */
export function makeLocalExecutor(
  method: Pick<Method<Config>, 'registry'>,
  input: PlanInput,
  runFolder: string,
  local: Pick<LocalSettings, 'logName'> = {},
): Executor {
  const { config } = input.loaded;
  const { count, environment } = engineSlots(input.engine);
  const { slots = count, recycleGb, silentMinutes } = config.executor;
  return localExecutor({
    registry: method.registry,
    runFolder,
    slots: Math.min(slots, count),
    ...local,
    recycleBytes: recycleGb * 1e9,
    silentMs: silentMinutes === null ? undefined : silentMinutes * 60_000,
    environment: (slot) => ({ ...environment[slot], ...precisionEnvironment(config.precision) }),
  });
}
