import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Makes Node.js run a TypeScript file of this project, the next word. */
export const starter = join(root, 'scripts', 'start.js');

/** What a user's `npm run pipeline --` makes Node.js run; options come behind. */
export const program: readonly string[] = [starter, join(root, 'pipeline', 'cli', 'main.ts')];

/** What `npm run bench --` does. */
export const bench: readonly string[] = [starter, join(root, 'bench', 'main.ts')];
