import { splitImages } from '../../../datasets/split-sources.ts';
import { drawnSource } from '../../config/drawn-source.ts';
import { forwardFlops } from '../../model/costs.ts';
import type { JobPlan } from '../../runner/contract.ts';
import type { EngineName } from '../../tensor/engine.ts';
import { measuredGpuRates } from '../../tensor/gpu-rates.ts';
import type { PlanInput } from './plan-input.ts';

export type Estimate = JobPlan['estimate'];

/**
 * Floating-point operations per second that plans count on, rounded down from runs on two cores; for webgpu a guess at a small GPU, which
 * `npm run gpu-check` replaces by what it has measured. What was planned wrongly is corrected while a run goes on; only the
 * order of jobs and the first guess of the end depend on these.
 */
const rates = {
  /** A whole model forward and backward, or solves between small products. */
  training: { tensorflow: 60e9, wasm: 4e9, webgpu: 300e9 },
  /** Whole models forward. */
  inference: { tensorflow: 80e9, wasm: 12e9, webgpu: 400e9 },
  /** One block on many tokens. */
  block: { tensorflow: 100e9, wasm: 6e9, webgpu: 500e9 },
} as const satisfies Record<string, Record<EngineName, number>>;

export function secondsOf(kind: keyof typeof rates, flops: number, engine: EngineName): number {
  const measured = engine === 'webgpu' ? measuredGpuRates() : undefined;
  return flops / (measured?.[kind === 'training' ? 'training' : 'inference'] ?? rates[kind][engine]);
}

export function splitsEstimate({ loaded }: PlanInput): Estimate {
  const { calibration, selection, test } = splitImages(loaded.config.data.splits);
  // Photographs are looked into one by one, images of packed files and drawn ones are quickly there.
  const perSecond = loaded.config.data.source === 'folder' ? 400 : 1500;
  return { seconds: 0.8 + (calibration + selection + test) / perSecond, memoryBytes: 3e8, diskBytes: 1e6 };
}

export function modelEstimate({ architecture, engine, loaded: { config } }: PlanInput): Estimate {
  const { train } = config.teacher;
  const bytes = encoderBytes(architecture);
  // The size of the train split is known only after drawing it; the data's own size is a fair guess.
  const images = drawnSource(config.data)?.images ?? 55_000;
  return {
    seconds:
      train === undefined
        ? 1.2 + bytes / 3e8
        : secondsOf('training', 3 * forwardFlops(architecture) * images * train.epochs, engine),
    memoryBytes: 5e8 + bytes * (train === undefined ? 2 : 5),
    diskBytes: bytes,
  };
}

export function checkEstimate({ architecture, engine, loaded }: PlanInput): Estimate {
  const flops = forwardFlops(architecture) * splitImages(loaded.config.data.splits).selection;
  return {
    seconds: 1.2 + secondsOf('training', flops, engine),
    memoryBytes: 5e8 + encoderBytes(architecture) * 2,
    diskBytes: 1e4,
  };
}

/** A forward pass of the calibration images, and their features. */
export function indexEstimate({ architecture, engine, loaded }: PlanInput): Estimate {
  const { calibration } = splitImages(loaded.config.data.splits);
  const bytes = 4 * calibration * architecture.classes;
  return {
    seconds: 1.2 + secondsOf('training', forwardFlops(architecture) * calibration, engine),
    memoryBytes: 5e8 + encoderBytes(architecture) * 2 + 2 * bytes,
    diskBytes: bytes,
  };
}

function encoderBytes({ depth, width, hidden }: PlanInput['architecture']): number {
  return depth * (4 * width * width + 2 * width * hidden) * 4;
}
