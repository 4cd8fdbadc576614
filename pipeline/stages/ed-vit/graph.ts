import type { Stage } from '../../runner/contract.ts';
import { oncePer } from '../../util/once-per.ts';
import { data, teacher } from '../common/graph.ts';
import { fleetStages } from '../fleets/graph.ts';
import { planFleets } from '../fleets/plan-fleets.ts';
import type { EdVitInput } from './schema.ts';

const { targets, partition, slice, train, fuse, profile, packages, report } = fleetStages<EdVitInput>(
  oncePer((input) => planFleets(input)),
);

/**
 * The method `ed-vit`:
 *
 *     data -> teacher -> targets -> partition -> slice -> train -> fuse -> package -> report
 *                                                 slice -> profile -> package
 *
 * In the order data flows. Importing this loads no engine: a stage's work is imported when it runs.
 */
export const stages: readonly Stage<EdVitInput>[] = [
  data,
  teacher,
  targets,
  partition,
  slice,
  train,
  fuse,
  profile,
  packages,
  report,
];

export { prepareWorker } from '../common/graph.ts';
