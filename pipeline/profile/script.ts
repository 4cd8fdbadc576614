import { readFile } from 'node:fs/promises';

/** What a library carries as `profile.mjs`: `measure-onnx.js` as it is, which needs nothing from this code base. */
export function profileScript(): Promise<string> {
  return readFile(new URL('./measure-onnx.js', import.meta.url), 'utf8');
}
