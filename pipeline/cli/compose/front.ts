import { resolve } from 'node:path';
import { displayPath } from '../../config/problem.ts';
import { composeFront, frontCsv } from '../../compose/front.ts';
import type { StatedLatency } from '../../compose/latency.ts';
import type { Limits } from '../../compose/choose.ts';
import type { Resource } from '../../compose/space.ts';
import type { Library } from '../../library/open.ts';
import { writeFileAtomic } from '../../util/atomic.ts';
import { fail } from '../../util/failure.ts';
import { formatAmount, resourceTitles } from './render.ts';
import type { Surroundings } from '../../terminal/terminal.ts';

export interface FrontRequest {
  readonly by: Resource;
  readonly limits: Limits;
  readonly device: StatedLatency;
  /** Default: stdout. */
  readonly file?: string | undefined;
  readonly json: boolean;
}

/** @returns the exit code */
export async function writeFront(
  library: Library,
  { by, limits, device, file, json }: FrontRequest,
  { stdout, cwd }: Surroundings,
): Promise<number> {
  const front = composeFront(library, by, { limits, device });
  if (front.length === 0) {
    const whole = composeFront(library, by, { device });
    fail({
      reason: 'usage',
      subject: 'compose --pareto',
      found: 'the limits leave nothing of the front',
      expected:
        `${resourceTitles[by]} from ${formatAmount(by, whole[0][by]!)} up, ` +
        `a predicted drop from ${whole.at(-1)!.predictedDropPp.toFixed(2)} pp up`,
    });
  }
  const text = json ? `${JSON.stringify(front, null, 2)}\n` : frontCsv(library, front);
  if (file === undefined) {
    stdout.write(text);
    return 0;
  }
  const path = resolve(cwd, file);
  await writeFileAtomic(path, text);
  const about = by === 'latencyMs' ? `; latency: ${device.describe}` : '';
  if (!json)
    stdout.write(
      `${front.length} compositions by ${resourceTitles[by]}: ${displayPath(path, cwd)}${about}\n`,
    );
  return 0;
}
