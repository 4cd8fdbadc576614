import type { Contradiction } from '../../config/check.ts';
import { checkFleetsConfig } from '../fleets/check.ts';
import { areZero, zeroWeights } from '../fleets/zero-weights.ts';
import type { DevitConfig } from './schema.ts';

/** Settings of the method that contradict or need each other. */
export function checkDevit(config: DevitConfig): Contradiction[] {
  return [
    ...checkFleetsConfig(config),
    ...checkHeads(config),
    ...checkStudents(config),
    ...checkEnsemble(config),
  ];
}

function checkHeads({ students }: DevitConfig): Contradiction[] {
  return students.flatMap((student, index) => {
    if (student === 'teacher' || 'checkpoint' in student) return [];
    const { width, heads } = student.architecture;
    if (width % heads === 0) return [];
    const path = ['students', index, 'architecture', 'heads'];
    return [{ path, message: `${heads} heads do not divide a width of ${width}` }];
  });
}

/** A student that is never trained is of no use; what is cut out of the teacher is. */
function checkStudents({ students, train }: DevitConfig): Contradiction[] {
  if (train.enabled) return [];
  const index = students.findIndex(
    (student) => student !== 'teacher' && 'architecture' in student && !('checkpoint' in student),
  );
  if (index < 0) return [];
  return [
    {
      path: ['train', 'enabled'],
      message: `contradicts students[${index}], whose weights are drawn at random: it would stay so`,
    },
  ];
}

function checkEnsemble({ ensemble: { train, weights } }: DevitConfig): Contradiction[] {
  if (train === 'frozen' || !areZero(weights)) return [];
  return [zeroWeights(['ensemble', 'weights'], 'or write ensemble.train: frozen')];
}
