import { resolvePreprocessing } from '../../datasets/preprocessing.ts';
import { loadConfig } from '../../pipeline/config/load.ts';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { makePlan, type Plan } from '../../pipeline/runner/plan.ts';
import { stages } from '../../pipeline/stages/blocks/graph.ts';
import type { BlocksInput } from '../../pipeline/stages/blocks/schema.ts';
import { blocks } from '../../pipeline/stages/methods.ts';
import type { EngineName } from '../../pipeline/tensor/engine.ts';

/** The plan that a config makes of a teacher by name: no weights and no images are needed for it. */
export function planOf(
  config: string,
  overrides: readonly string[],
  teacher: string,
  engine: EngineName,
): { readonly plan: Plan; readonly input: BlocksInput } {
  const facts = namedArchitecture(teacher)?.facts;
  if (facts === undefined) throw new Error(`no architecture ${teacher}`);
  const architecture: Architecture = { ...facts, channels: 3, classes: 1000 };
  const { imageSize, channels } = architecture;
  const names = Array.from({ length: architecture.classes }, (_, index) => `class ${index}`);
  const input: BlocksInput = {
    loaded: loadConfig(config, [blocks], { overrides }),
    architecture,
    engine,
    precision: { steps: 'float32', note: '' },
    inputs: {
      checkpointFiles: [],
      dataFiles: [],
      dataListing: null,
      preprocessing: resolvePreprocessing('timm', { imageSize, channels }),
      classes: { folders: names, names, subset: null, by: 'folders', rule: 'made up', notes: [] },
    },
  };
  return { plan: makePlan(stages, input, engine), input };
}
