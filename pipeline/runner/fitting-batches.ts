import type { JobPlan } from './contract.ts';

/**
 * Settings with which every one of these jobs fits alone, its batches as large powers of two as memory allows; undefined where all fit
 * already, or where smaller batches cannot make them.
 * @param memory bytes
 */
export function fittingBatches(
  estimates: readonly JobPlan['estimate'][],
  memory: number,
): string | undefined {
  const fitting = new Map<string, number>();
  for (const { memoryBytes, batch } of estimates) {
    if (memoryBytes <= memory) continue;
    if (batch === undefined) return undefined;
    const { setting, images, bytes } = batch;
    const most = Math.floor((memory - (memoryBytes - images * bytes)) / bytes);
    if (most < 1) return undefined;
    fitting.set(setting, Math.min(fitting.get(setting) ?? Infinity, 2 ** Math.floor(Math.log2(most))));
  }
  const settings = [...fitting].map(([setting, images]) => `--set ${setting}=${images}`);
  return settings.length === 0 ? undefined : `batches that fit here: ${settings.join(' ')}`;
}
