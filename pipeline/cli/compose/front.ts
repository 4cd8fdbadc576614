import { resolve } from 'node:path';
import { displayPath } from '../../config/problem.ts';
import { formatAmount, resourceTitles } from '../../compose/amounts.ts';
import { compositionFront, frontCsv } from '../../compose/choose.ts';
import type { ComposeSpace, Limits, Resource } from '../../compose/space.ts';
import { writeFileAtomic } from '../../util/atomic.ts';
import { fail } from '../../util/failure.ts';
import type { Surroundings } from '../../terminal/terminal.ts';

export interface FrontRequest {
  readonly by: Resource;
  readonly limits: Limits;
  /** What the latencies are of. */
  readonly about: string;
  /** Default: stdout. */
  readonly file?: string | undefined;
  readonly json: boolean;
}

/** @returns the exit code */
export async function writeFront(
  space: ComposeSpace,
  { by, limits, about, file, json }: FrontRequest,
  { stdout, cwd }: Surroundings,
): Promise<number> {
  const front = compositionFront(space, by, limits);
  if (front.length === 0) {
    const whole = compositionFront(space, by);
    fail({
      reason: 'usage',
      subject: 'compose --pareto',
      found: 'the limits leave nothing of the front',
      expected:
        `${resourceTitles[by]} from ${formatAmount(by, whole[0]![by]!)} up, ` +
        `a predicted drop of ${space.loss.of} from ${whole[whole.length - 1]!.predictedDropPp.toFixed(2)} pp up`,
    });
  }
  const text = json ? `${JSON.stringify(front, null, 2)}\n` : frontCsv(space, front);
  if (file === undefined) {
    stdout.write(text);
    return 0;
  }
  const path = resolve(cwd, file);
  await writeFileAtomic(path, text);
  const latency = by === 'latencyMs' ? `; latency: ${about}` : '';
  if (!json)
    stdout.write(
      `${front.length} compositions by ${resourceTitles[by]}, drops of ${space.loss.of}: ${displayPath(path, cwd)}${latency}\n`,
    );
  return 0;
}
