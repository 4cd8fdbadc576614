/**
 * units: FFN blocks narrower, refitted. merging: tokens merged. merging+units: half of the multiply-adds saved by each. attention: key and value
 * dimensions cut and refitted. attention+units: about the same share of both. sliced-units: units alone by what cuts attention, to tell the axis from
 * the way to fit. queries-keys, values-outputs: half of the dimensions of one side of the attention, at whatever that costs.
 */
export const rowNames = [
  'units',
  'merging',
  'merging+units',
  'attention',
  'attention+units',
  'sliced-units',
  'queries-keys',
  'values-outputs',
] as const;

export type RowName = (typeof rowNames)[number];
