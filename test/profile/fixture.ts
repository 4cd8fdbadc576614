import type { Profile } from '../../pipeline/profile/profile-file.ts';

/** A profile of the fixture's library (two blocks; widths 20, 10, 5) as a slow device could have given it. */
export function exampleProfile(manifestSha256: string): Profile {
  const times = (list: Record<number, number>) =>
    Object.entries(list)
      .map(([width, p50]) => ({ width: Number(width), p50, p90: p50 * 1.5 }))
      .sort((a, b) => b.width - a.width);
  const composition = (widths: number[], predictedMs: number, use: 'fit' | 'check') => ({
    widths,
    predictedMs,
    calibratedMs: 0.25 + 1.1 * predictedMs,
    p50: predictedMs * 1.2,
    p90: predictedMs * 1.3,
    use,
  });
  return {
    kind: 'blockforge-profile',
    schemaVersion: 1,
    manifestSha256,
    device: {
      name: 'board',
      cpuModel: 'a board',
      logicalCores: 4,
      memoryBytes: 2 ** 30,
      platform: 'linux',
      arch: 'arm64',
    },
    runtime: { name: 'onnxruntime', version: '1.30.0', threads: 2 },
    warmup: 2,
    iterations: 10,
    batches: [1, 8].map((batchSize) => ({
      batchSize,
      frame: { p50: 3 * batchSize, p90: 4 * batchSize },
      widths: times({ 20: 2 * batchSize, 10: 1.1 * batchSize, 5: 0.7 * batchSize }),
      lastWidths: times({ 20: 0.4 * batchSize, 10: 0.25 * batchSize, 5: 0.3 * batchSize }),
      composed: [
        composition([20, 20], 5.4 * batchSize, 'fit'),
        composition([5, 5], 4 * batchSize, 'fit'),
        composition([10, 5], 4.4 * batchSize, 'check'),
      ],
      calibration: {
        scale: 1.1,
        offsetMs: 0.25,
        meanAbsoluteErrorPercent: { before: 17, after: 3 },
      },
    })),
  };
}
