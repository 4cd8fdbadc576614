import { fileURLToPath } from 'node:url';

/** What the controller and the worker of a run of light jobs have to agree on. */
export const lightRegistry = fileURLToPath(new URL('./light-stages.ts', import.meta.url));
export const lightQueue = 'light';
export const lightNeeds = { version: 'bench', engine: 'none' };
