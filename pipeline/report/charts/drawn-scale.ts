/** How numbers of an axis lie in the drawing, in units of its `viewBox`. */
export interface DrawnScale {
  readonly type: string;
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
}
