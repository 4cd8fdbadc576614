import { fail } from '../../util/failure.ts';
import type { FoundPool } from '../find-pool.ts';
import type { PoolName } from '../pool-name.ts';

/**
 * A Swin's head reads the mean of its tokens, whatever its config calls that.
 * @param told by the user
 * @throws BlockForgeError `config-invalid` for anything else
 */
export function resolveSwinPool(path: string, told: PoolName | undefined): FoundPool {
  if (told !== undefined && told !== 'mean') {
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.pool',
      found: `"${told}"`,
      expected: `"mean", or nothing: ${path} is a Swin, which has no class token and reads the mean of all others`,
    });
  }
  return { pool: undefined, notes: [] };
}
