import type { Device } from './device.ts';
import type { DevicesConfig } from './schema.ts';

/** In bytes; `device-00`, `device-01`, ... for a number. */
export function devicesOf(config: DevicesConfig): readonly Device[] {
  if (typeof config === 'number') {
    return Array.from({ length: config }, (_, i) => ({ name: `device-${String(i).padStart(2, '0')}` }));
  }
  return config.map(({ memoryMiB, ...rest }) => ({
    ...rest,
    ...(memoryMiB === undefined ? {} : { memoryBytes: memoryMiB * 2 ** 20 }),
  }));
}
