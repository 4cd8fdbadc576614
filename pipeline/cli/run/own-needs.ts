import type { Needs } from '../../runner/bullmq/queued-job.ts';
import { engineIdentity } from '../../tensor/engine-identity.ts';
import type { EngineName } from '../../tensor/installed.ts';
import { programVersion } from '../../util/program-version.ts';

/** What this installation is, with that engine: a worker's must be equal for its results to be. */
export async function ownNeeds(engine: EngineName): Promise<Needs> {
  return { version: await programVersion(), engine: engineIdentity(engine) };
}
