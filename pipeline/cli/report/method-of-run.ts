import type { Config } from '../../config/schema.ts';
import { readPlanRecord } from '../../runner/plan-record.ts';
import type { Method } from '../../stages/common/method.ts';
import { readAbout } from '../../stages/common/page/about-run.ts';
import { methods } from '../../stages/methods.ts';

/** The method of a run, by what it told when it was started, or by its stages; undefined where neither says it. */
export async function methodOfRun(
  runFolder: string,
  among: readonly Method<Config>[] = methods,
): Promise<Method<Config> | undefined> {
  const plan = await readPlanRecord(runFolder);
  if (plan === undefined) return undefined;
  const told = readAbout(plan.about)?.method;
  const stages = plan.stages.join();
  return (
    among.find(({ name }) => name === told) ??
    among.find((method) => method.stages.map(({ name }) => name).join() === stages)
  );
}
