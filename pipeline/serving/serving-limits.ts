/** What a device lets others ask of it. One request carries one image, so these bound its memory. */
export interface ServingLimits {
  /** Of one request, in bytes. */
  readonly maxMessageBytes: number;
  /** Of an encoded image, when it is decoded. */
  readonly maxPixels: number;
  /** Images that are worked on at once. */
  readonly maxRunning: number;
  /** Images that wait for that; more are refused with RESOURCE_EXHAUSTED. */
  readonly maxWaiting: number;
}

/** A photograph of 12 megapixels fits, and takes 36 MB while it is resized. One image is decoded while another is computed. */
export const defaultLimits: ServingLimits = Object.freeze({
  maxMessageBytes: 8 * 2 ** 20,
  maxPixels: 25_000_000,
  maxRunning: 2,
  maxWaiting: 32,
});
