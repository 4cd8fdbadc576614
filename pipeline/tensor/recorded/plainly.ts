let depth = 0;

/** Runs `body`, synchronously, operation by operation: what it records runs as it is. */
export function plainly<T>(body: () => T): T {
  depth++;
  try {
    return body();
  } finally {
    depth--;
  }
}

/** Whether code runs as it is at this moment: inside `plainly`, and throughout with BLOCKFORGE_FUNCTIONS=off. */
export function isPlain(): boolean {
  return depth > 0 || process.env.BLOCKFORGE_FUNCTIONS === 'off';
}
