import { splitImages } from '../../../datasets/split-sources.ts';
import { featureWidth } from '../../model/architecture.ts';
import { drawnSource } from '../../config/drawn-source.ts';
import { forwardFlops, modelCosts } from '../../model/costs.ts';
import { secondsOf, type Estimate } from '../common/estimates.ts';
import type { FleetsInput } from './schema.ts';

/** What jobs take: seconds on two cores, bytes of memory, bytes written. Guesses, for `--plan` and the order of jobs. */

/** Images that are learned from; a train split is known only after drawing it. */
export function learningImages({ loaded: { config } }: FleetsInput): number {
  if (config.teacher.train === undefined) return splitImages(config.data.splits).calibration;
  return drawnSource(config.data)?.images ?? 55_000;
}

export function targetsEstimate(input: FleetsInput): Estimate {
  const images = learningImages(input) + splitImages(input.loaded.config.data.splits).selection;
  const { classes } = input.architecture;
  return {
    seconds: 1.2 + secondsOf('inference', images * forwardFlops(input.architecture), input.engine),
    memoryBytes: 8e8,
    diskBytes: images * (classes + featureWidth(input.architecture)) * 4,
  };
}

export const partitionEstimate: Estimate = { seconds: 0.1, memoryBytes: 3e8, diskBytes: 1e4 };

export function sliceEstimate(input: FleetsInput): Estimate {
  const { sizeBytes } = modelCosts(input.architecture);
  const { by, policy } = input.loaded.config.slice;
  const learnt = Math.min(2048, learningImages(input));
  const judged = by === 'policy' ? policy.policies * Math.min(policy.images, learnt) : 0;
  const forwards = 10 * learnt + judged;
  return {
    seconds: 3 + secondsOf('inference', forwards * forwardFlops(input.architecture), input.engine),
    memoryBytes: 1e9 + 6 * sizeBytes,
    diskBytes: sizeBytes / 3,
  };
}

/** Of one model; so many steps as an even share of the images makes. */
export function trainEstimate(input: FleetsInput): Estimate {
  const { duration } = input.loaded.config.train;
  const { sizeBytes } = modelCosts(input.architecture);
  const perImage = secondsOf('training', forwardFlops(input.architecture), input.engine);
  const seconds =
    'minutes' in duration
      ? 60 * duration.minutes
      : 'steps' in duration
        ? duration.steps * input.loaded.config.train.batchSize * perImage
        : (duration.epochs * learningImages(input) * perImage) / 3;
  return { seconds: 3 + 1.3 * seconds, memoryBytes: 1.5e9, diskBytes: sizeBytes / 3 };
}

export const fuseEstimate: Estimate = { seconds: 2, memoryBytes: 8e8, diskBytes: 1e6 };

export function profileEstimate(input: FleetsInput): Estimate {
  const { macs, sizeBytes } = modelCosts(input.architecture);
  const { iterations, warmup } = input.loaded.config.measure.latency;
  return {
    seconds: 0.8 + ((iterations + warmup) * 3 * macs) / 2e10,
    memoryBytes: 4e8 + 3 * sizeBytes,
    diskBytes: 1e4,
  };
}

export function packageEstimate(input: FleetsInput): Estimate {
  const { sizeBytes } = modelCosts(input.architecture);
  return { seconds: 1.5, memoryBytes: 6e8 + sizeBytes, diskBytes: 2 * sizeBytes };
}

export function reportEstimate(input: FleetsInput): Estimate {
  const { test } = splitImages(input.loaded.config.data.splits);
  const flops = test * forwardFlops(input.architecture);
  return { seconds: 3 + secondsOf('inference', 6 * flops, input.engine), memoryBytes: 8e8, diskBytes: 1e5 };
}
