import type { BlocksRun } from './read-run.ts';
import { millisecondsText } from './words.ts';

/** Why the run's own times tell nothing, in a sentence: small blocks take about the same time at every width. Undefined where they do. */
export function timeNoise({ latency, library }: BlocksRun): string | undefined {
  if (latency.isWhole) return undefined;
  const [own, ...others] = library.manifest.blocks[0]!.descendants.map(({ latencyMs }) => latencyMs);
  const fastest = Math.min(...others.map(({ p50 }) => p50));
  if (own === undefined || own.p50 - fastest > own.p90 - own.p50) return undefined;
  return (
    `Single runs of the teacher's block take ${millisecondsText(own.p50)} (p50) to ${millisecondsText(own.p90)} (p90), a wider range than narrowing saves: ` +
    'such small blocks can hardly be timed apart on this machine.'
  );
}
