/** Preloaded by `main.ts`: what a user did wrong is told in words, as on the pipeline's command line, and not by a stack. */
import { BlockForgeError, exitCodeOf } from '../../pipeline/util/failure.ts';

process.on('uncaughtException', (error) => {
  const isExpected = error instanceof BlockForgeError;
  console.error(isExpected ? error.message : error);
  process.exit(isExpected ? exitCodeOf(error.failure.reason) : 1);
});
