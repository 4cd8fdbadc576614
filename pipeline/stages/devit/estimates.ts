import { forwardFlops, modelCosts } from '../../model/costs.ts';
import { secondsOf, type Estimate } from '../common/estimates.ts';
import { learningImages } from '../fleets/estimates.ts';
import type { PlannedFleet } from '../fleets/plan-fleets.ts';
import type { DevitInput } from './schema.ts';

type Duration = DevitInput['loaded']['config']['train']['duration'];

/** Seconds of a training whose step is three forward passes of `flops` an image. */
function trainingSeconds(
  duration: Duration,
  batchSize: number,
  imagesPerEpoch: number,
  flops: number,
  engine: DevitInput['engine'],
): number {
  if ('minutes' in duration) return 60 * duration.minutes;
  const images = 'steps' in duration ? duration.steps * batchSize : duration.epochs * imagesPerEpoch;
  return images * secondsOf('training', 3 * flops, engine);
}

/** Of one sub-model's teacher: about half of the images are of its classes or drawn beside them. */
export function teachEstimate(input: DevitInput): Estimate {
  const { architecture, engine, loaded } = input;
  const { duration, batchSize } = loaded.config.teach;
  const { sizeBytes } = modelCosts(architecture);
  const flops = forwardFlops(architecture);
  const looks = secondsOf('inference', learningImages(input) * flops, engine);
  return {
    seconds: 3 + trainingSeconds(duration, batchSize, learningImages(input) / 2, flops, engine) + looks,
    memoryBytes: 1.5e9 + 5 * sizeBytes,
    diskBytes: sizeBytes + learningImages(input) * 4 * (architecture.width + architecture.classes),
  };
}

/** Of a fleet: every image by every sub-model, whose operations are taken for in proportion to their multiply-adds. */
export function ensembleEstimate(input: DevitInput, { submodels }: PlannedFleet): Estimate {
  const { architecture, engine, loaded } = input;
  const { duration, batchSize } = loaded.config.ensemble;
  const teacher = modelCosts(architecture);
  const share = submodels.reduce((sum, { limits }) => sum + limits.macs, 0) / teacher.macs;
  const bytes = submodels.reduce((sum, { limits }) => sum + Math.min(limits.sizeBytes, teacher.sizeBytes), 0);
  const flops = share * forwardFlops(architecture);
  const looks = secondsOf('inference', learningImages(input) * flops, engine);
  return {
    seconds: 5 + trainingSeconds(duration, batchSize, learningImages(input), flops, engine) + looks,
    memoryBytes: 1.5e9 + 5 * bytes,
    diskBytes: bytes,
  };
}
