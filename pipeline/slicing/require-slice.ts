import type { SliceSettings } from './schema.ts';
import { uniformShape, type ShapeOptions } from './search-shape.ts';

/**
 * Refuses limits that no slice is within, by arithmetic alone: before the hours of a run, not in them.
 * @throws BlockForgeError `config-invalid`
 */
export function requireSlice(options: Omit<ShapeOptions, 'multiple'>, settings: SliceSettings): void {
  uniformShape({ ...options, multiple: settings.widthMultiple });
}
