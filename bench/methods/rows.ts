import { modelCosts } from '../../pipeline/model/costs.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import type { Interval } from '../../pipeline/measure/interval.ts';
import type { TestReport } from '../../pipeline/stages/blocks/artefacts.ts';
import type { FleetsReport } from '../../pipeline/stages/fleets/report-file.ts';

/** One line of the table. */
export interface MethodRow {
  readonly name: string;
  /** Of the largest device, and of all of them. */
  readonly deviceMacs: number;
  readonly totalMacs: number;
  readonly deviceBytes: number;
  readonly top1Percent: Interval;
  /** Paired with the teacher on the same images. */
  readonly againstPp: Interval;
  /** With the worst device lost. */
  readonly lostPp?: Interval | undefined;
  /** What the devices send of an image. */
  readonly bytesUp: number;
}

/** The block method: one model on one device, every block cut alike. */
export function blockRows({ uniform = [] }: TestReport, architecture: Architecture): MethodRow[] {
  const { hidden, depth } = architecture;
  return uniform.flatMap(({ sparsity, refit, distilled }) => {
    const width = Math.round(hidden * (1 - sparsity));
    const { macs, sizeBytes } = modelCosts(architecture, new Array<number>(depth).fill(width));
    const kinds = [
      ['refitted', refit],
      ['distilled', distilled],
    ] as const;
    return kinds.flatMap(([kind, measured]) =>
      measured === undefined
        ? []
        : [
            {
              name: `blocks, ${kind}`,
              deviceMacs: macs,
              totalMacs: macs,
              deviceBytes: sizeBytes,
              top1Percent: measured.top1Percent,
              againstPp: measured.top1DeltaPp,
              bytesUp: 0,
            },
          ],
    );
  });
}

/** A method of fleets: each of its fleets, and the one small model of equal total cost. */
export function fleetRows(method: string, { fleets }: Pick<FleetsReport, 'fleets'>): MethodRow[] {
  return fleets.flatMap(({ name, devices, largest, fused, lost, small }) => {
    const totalMacs = devices.reduce((sum, { macs }) => sum + macs, 0);
    return [
      {
        name: `${method}, ${devices.length} devices (${name})`,
        deviceMacs: largest.macs,
        totalMacs,
        deviceBytes: largest.sizeBytes,
        top1Percent: fused.top1Percent,
        againstPp: fused.againstPp,
        lostPp: lost?.worst.againstPp,
        bytesUp: devices.reduce((sum, { bytesUp }) => sum + bytesUp, 0),
      },
      ...small.map(({ macs, sizeBytes, top1Percent, againstPp }) => ({
        name: `${method}, one small model (${name})`,
        deviceMacs: macs,
        totalMacs: macs,
        deviceBytes: sizeBytes,
        top1Percent,
        againstPp,
        bytesUp: 0,
      })),
    ];
  });
}
