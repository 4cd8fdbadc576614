import type { operationFields } from './operation.ts';
import type { Config } from './schema.ts';

/** What a config says beside where and how it is run: all that may stand in what is handed on. */
export function withoutOperation<C extends Config>(config: C): Omit<C, keyof typeof operationFields> {
  const rest: Partial<C> = { ...config };
  delete rest.executor;
  delete rest.monitor;
  delete rest.onFinish;
  return rest as Omit<C, keyof typeof operationFields>;
}
