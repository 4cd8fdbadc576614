import { formatBytes } from '../util/format.ts';
import type { Resource } from './space.ts';

export const resourceTitles: Readonly<Record<Resource, string>> = {
  params: 'params',
  macs: 'MACs',
  sizeBytes: 'size',
  latencyMs: 'latency',
};

/** As exact as a limit may have to be met. */
export function formatAmount(resource: Resource, value: number): string {
  if (resource === 'latencyMs') return `${value.toFixed(3)} ms`;
  if (resource === 'sizeBytes') return `${value.toLocaleString('en-US')} B (${formatBytes(value)})`;
  return value.toLocaleString('en-US');
}
