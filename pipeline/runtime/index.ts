/**
 * The runtime of an exported block library, for programs that use one: nothing here trains or measures.
 *
 *     const runtime = await startRuntime(await openLibrary('runs/demo/library'));
 *     await runtime.scaleTo({ memoryMB: 0.4 });
 *     const [prediction] = await runtime.predict(['photo.jpg']);
 *     await runtime.close();
 */
export { openLibrary, type Library, type OpenOptions } from '../library/open.ts';
export { BlockForgeError, type Failure } from '../util/failure.ts';
export type { RuntimeEngineName } from './engine.ts';
export type { EncodedImage } from './images.ts';
export type { Composition } from '../compose/space.ts';
export type { RuntimeLimits } from './limits.ts';
export { startRuntime, type Prediction, type Runtime, type RuntimeOptions, type Switch } from './runtime.ts';
