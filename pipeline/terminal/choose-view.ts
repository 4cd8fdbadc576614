import { renderLines } from './run-lines.ts';
import { renderLog } from './run-log.ts';
import { renderTty } from './run-tty.ts';
import { renderJson, renderQuiet, type RunView } from './run-view.ts';
import type { Terminal } from './terminal.ts';

export const logFormats = ['text', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

/** An option of every command whose jobs are followed. */
export const logFormatOption = {
  type: 'string',
  default: 'text',
  describe: 'json: a line for what happens, with time, level and message, for log collectors',
} as const;

export interface ViewOptions {
  /** The events, and nothing else. */
  readonly json: boolean;
  readonly quiet?: boolean | undefined;
  readonly logFormat?: LogFormat | undefined;
}

/** How a run is shown while it runs: bars for people at a terminal, lines elsewhere, JSON where that was asked for. */
export function chooseView(stdout: Terminal, stderr: Terminal, options: ViewOptions): RunView {
  const { json, quiet = false, logFormat = 'text' } = options;
  if (json) return renderJson(stdout);
  if (logFormat === 'json') return renderLog(stdout);
  if (quiet) return renderQuiet(stderr);
  return stdout.isLive ? renderTty(stdout, process.stdout) : renderLines(stdout);
}
