export { areaOf } from './area.ts';
export { objectController } from './controller.ts';
export { objectWorker } from './worker.ts';
export { openObjects } from './open-objects.ts';
export { brief, impatient } from './retry.ts';
