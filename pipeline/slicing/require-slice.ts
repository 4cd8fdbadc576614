import { drawPolicies } from './policy/draw-policies.ts';
import type { SliceSettings } from './schema.ts';
import { uniformShape, type ShapeOptions } from './search-shape.ts';

/**
 * Refuses limits that no slice is within, by arithmetic alone: before the hours of a run, not in them.
 * @throws BlockForgeError `config-invalid`
 */
export function requireSlice(options: Omit<ShapeOptions, 'multiple'>, settings: SliceSettings): void {
  const multiple = settings.widthMultiple;
  if (settings.by === 'compensation') uniformShape({ ...options, multiple });
  else drawPolicies({ ...options, ...settings.policy, multiple, policies: 1, seed: 1 });
}
