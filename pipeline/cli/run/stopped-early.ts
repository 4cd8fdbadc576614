import { logLine } from '../../terminal/run-log.ts';

/** What a command says on stderr that was stopped before it had read its config, in the form that was asked for. */
export function stoppedEarly(
  why: string | undefined,
  next: string,
  { json, logFormat }: { readonly json: boolean; readonly logFormat?: string | undefined },
): string {
  const text = `stopped by ${why ?? 'a signal'} before the work began; ${next}`;
  if (json) return `${JSON.stringify({ type: 'note', text })}\n`;
  return logFormat === 'json' ? logLine('warning', text) : `${text}\n`;
}
