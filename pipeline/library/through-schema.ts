import type { z } from 'zod';
import { fail } from '../util/failure.ts';

/**
 * What we publish must be readable by our own reader; a violation is a gate, because it can come from measured data.
 * @returns the manifest with its members in the order of the schema
 * @throws BlockForgeError `gate-failed`
 */
export function throughSchema<T>(schema: z.ZodType<T>, manifest: NoInfer<T>): T {
  const result = schema.safeParse(manifest);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  return fail({
    reason: 'gate-failed',
    subject: `manifest, ${issue.path.join('.')}`,
    found: issue.message,
    expected: 'a manifest that its own schema accepts',
  });
}
