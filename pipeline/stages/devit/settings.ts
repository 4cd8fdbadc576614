import type { TrainingSettings } from '../../submodels/training/schema.ts';
import { known } from '../../util/known.ts';
import { trainsTeacher } from '../fleets/fleet-settings.ts';
import type { PlannedFleet, PlannedStart } from '../fleets/plan-fleets.ts';
import { studentKey } from './others.ts';
import type { DevitInput } from './schema.ts';
import type { EnsembleJobSettings } from './work/ensemble.ts';
import type { StartHandling, StartSettings } from './work/start.ts';
import type { TeachSettings } from './work/teach.ts';

/** What the results of the method's own jobs depend on, beside their inputs. */

export function teachSettings({ loaded }: DevitInput, fleet: PlannedFleet, name: string): TeachSettings {
  const { config } = loaded;
  const { index } = known(new Map(fleet.submodels.map((one) => [one.name, one])), name);
  return {
    name,
    trains: trainsTeacher(config),
    subset: { fleet: fleet.name, index },
    training: teacherTraining(config),
    seed: config.seed,
  };
}

/** By the labels alone; the images that are held out are those of the sub-models. */
function teacherTraining({ teach, train }: DevitInput['loaded']['config']): TrainingSettings {
  const none = { logits: 0, hard: 0, features: 0, relations: { q: 0, k: 0, v: 0 } };
  return { ...teach, temperature: 1, heldOut: train.heldOut, weights: { ...none, labels: 1 } };
}

/** Of a student that is not the teacher. Files are known by content, and so in no setting. */
export function startSettings(
  { loaded, inputs }: DevitInput,
  start: Exclude<PlannedStart, { from: 'teacher' }>,
): [StartSettings, Partial<StartHandling> & { readonly files?: readonly string[] }] {
  const { student, architecture } = start;
  if (start.from === 'random') return [{ from: 'random', architecture: { ...architecture } }, {}];
  const own = loaded.config.students[student]!;
  if (own === 'teacher' || !('checkpoint' in own)) throw new Error(`students[${student}] is no checkpoint`);
  const { checkpoint, architecture: architectureName = null, hints, names } = own;
  const files = inputs.others?.find(({ key }) => key === studentKey(student))?.files ?? [];
  return [
    {
      from: 'checkpoint',
      architecture: { ...architecture },
      cut: start.cut,
      hints,
      ...(names !== undefined && { names }),
    },
    { checkpoint, architectureName, files },
  ];
}

export function ensembleSettings(
  { loaded, architecture }: DevitInput,
  fleet: PlannedFleet,
): EnsembleJobSettings {
  const { config } = loaded;
  return {
    fleet: fleet.name,
    trains: trainsTeacher(config),
    submodels: fleet.submodels.map(({ name, index }) => ({ name, index })),
    classes: architecture.classes,
    ensemble: config.ensemble,
    ridges: config.fusion.ridges,
    heldOut: config.train.heldOut,
    seed: config.seed,
  };
}
