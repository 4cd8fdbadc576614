import type { FleetAnswer } from '../../serving/ask-fleet.ts';
import { formatBytes } from '../../util/format.ts';

/** What is told of an image. */
export interface ImagePrediction extends Omit<FleetAnswer, 'probabilities'> {
  readonly image: string;
  readonly sentAs: 'file' | 'pixels';
  readonly classes: readonly {
    readonly index: number;
    readonly name: string | null;
    readonly probability: number;
  }[];
}

/** @param all classes of the deployment */
export function renderPrediction(prediction: ImagePrediction, all: number): string {
  const { image, sentAs, classes, answered, missing, latencyMs, sentBytes, receivedBytes } = prediction;
  const shares = classes.map(
    ({ index, name, probability }) =>
      `  ${(100 * probability).toFixed(1).padStart(5)} %  ${name ?? `class ${index}`}`,
  );
  return [
    image,
    ...shares,
    `  ${latencyMs.toFixed(1)} ms; sent ${formatBytes(sentBytes)} (${sentAs}), received ${formatBytes(receivedBytes)}; ` +
      `answered: ${answered.map(({ device, totalMs }) => `${device} ${totalMs.toFixed(1)} ms`).join(', ')}`,
    ...missing.map(
      ({ device, why, classes: known }) =>
        `  without ${device}, which knows ${known} of ${all} classes: ${why}`,
    ),
  ].join('\n');
}
