import {
  familyName,
  familyProblem,
  imageSizeText,
  isSameSize,
  patchesPerImage,
  patchGrid,
  type Architecture,
} from '../../model/architecture.ts';
import { modelCosts } from '../../model/costs.ts';
import { canBeFolded } from '../../slicing/folded-architecture.ts';
import { relationsOf } from '../../submodels/training/needs-teacher.ts';
import { fail } from '../../util/failure.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import type { PlannedStart, PlannedSubmodel } from '../fleets/plan-fleets.ts';
import { studentKey } from './others.ts';
import type { DevitInput } from './schema.ts';

/**
 * What every sub-model of a fleet starts from. A student that costs less than its limits is taken as it is, and its own costs
 * become the limits; a dearer one is cut, as the teacher is.
 * @param classes outputs of the largest sub-model
 * @param subject the fleet, for messages
 * @throws BlockForgeError `config-invalid`, naming the student
 */
export function startSubmodels(
  input: DevitInput,
  submodels: readonly PlannedSubmodel[],
  classes: number,
  subject: string,
): readonly PlannedSubmodel[] {
  const { config, file } = input.loaded;
  const { students } = config;
  if (students.length !== 1 && students.length !== submodels.length) {
    fail({
      reason: 'config-invalid',
      subject: `${file}: students`,
      found: `${students.length} for the ${submodels.length} sub-models of ${subject.split(' ').at(-1)}`,
      expected: 'one for all, or one for each',
      next: `give one, or ${submodels.length}`,
    });
  }
  const taught = config.subteachers === 'fine-tuned' && submodels.length > 1;
  return submodels.map((submodel) => {
    const student = students.length === 1 ? 0 : submodel.index;
    const start = startOf(input, student, classes, submodel);
    if (start.from === 'teacher' || (start.from === 'checkpoint' && start.cut)) {
      return { ...submodel, start, taught };
    }
    const { macs, sizeBytes } = modelCosts({ ...start.architecture, classes });
    return { ...submodel, start, taught, limits: { macs, sizeBytes } };
  });
}

function startOf(
  input: DevitInput,
  student: number,
  classes: number,
  { limits, device }: PlannedSubmodel,
): PlannedStart {
  const { config, file } = input.loaded;
  const own = config.students[student]!;
  if (own === 'teacher') return { from: 'teacher' };
  const teacher = input.architecture;
  const key = studentKey(student);
  const subject = `${file}: ${key}`;
  const architecture: Architecture =
    'checkpoint' in own
      ? { ...foundOf(input, key), classes: teacher.classes }
      : {
          ...own.architecture,
          patchSize: own.architecture.patchSize ?? teacher.patchSize,
          imageSize: teacher.imageSize,
          channels: teacher.channels,
          classes: teacher.classes,
        };
  requireFit(architecture, input, subject);
  const { macs, sizeBytes } = modelCosts({ ...architecture, classes });
  const isWithin = macs <= limits.macs && sizeBytes <= limits.sizeBytes;
  if ('checkpoint' in own) {
    const found = { from: 'checkpoint', student, architecture } as const;
    if (isWithin) return { ...found, cut: false };
    if (canBeFolded(architecture)) return { ...found, cut: true };
  } else if (isWithin) return { from: 'random', student, architecture };
  return fail({
    reason: 'config-invalid',
    subject,
    found: `a model of ${formatCount(macs)} multiply-adds and ${formatBytes(sizeBytes)}`,
    expected: `at most ${formatCount(limits.macs)} and ${formatBytes(limits.sizeBytes)}, which is what ${device} has for it`,
    next:
      'checkpoint' in own
        ? `take a smaller one, or raise submodel.macs and submodel.size: a ${familyName(architecture)} is not cut`
        : 'make it narrower or shallower, or raise submodel.macs and submodel.size',
  });
}

function foundOf({ inputs: { others = [] } }: DevitInput, key: string): Architecture {
  const other = others.find((one) => one.key === key);
  if (other === undefined) throw new Error(`${key} was not looked into`);
  return other.found;
}

/** Images come prepared for the teacher, and relations are between equally many patches. */
function requireFit(own: Architecture, { architecture: teacher, loaded }: DevitInput, subject: string): void {
  const text = ({ imageSize, channels }: Architecture): string =>
    `images of ${imageSizeText(imageSize)} px with ${channels} channel${channels === 1 ? '' : 's'}`;
  if (!isSameSize(own.imageSize, teacher.imageSize) || own.channels !== teacher.channels) {
    fail({
      reason: 'config-invalid',
      subject,
      found: text(own),
      expected: `${text(teacher)}, as the teacher's`,
      next: 'take a student for the images of the teacher',
    });
  }
  const problem =
    patchGrid(own.imageSize, own.patchSize) === null
      ? `patches of ${own.patchSize} pixels do not divide an image of ${imageSizeText(own.imageSize)}`
      : familyProblem(own);
  if (problem !== undefined) fail({ reason: 'config-invalid', subject, found: problem });
  const { train } = loaded.config;
  if (!train.enabled || relationsOf(train.weights).length === 0) return;
  if (patchesPerImage(own) === patchesPerImage(teacher)) return;
  fail({
    reason: 'config-invalid',
    subject,
    found: `${patchesPerImage(own)} patches an image`,
    expected: `${patchesPerImage(teacher)}, as the teacher's: relations among tokens are compared`,
    next: 'set train.weights.relations to { q: 0, k: 0, v: 0 }, or take a student with as many',
  });
}
