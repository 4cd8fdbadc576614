import { randomBytes } from 'node:crypto';
import { printable } from '../util/printable.ts';

/** Where text goes, and what it may do there. */
export interface Terminal {
  /** What text of others would do to a terminal is escaped here; `paint` and `eraseLine` alone do something. */
  write(text: string): void;
  /** Takes the cursor's line away, so that another is written in its place; nothing where that cannot be. */
  readonly eraseLine: string;
  /** Empties the screen and begins at its top; undefined where that cannot be. */
  readonly clearScreen?: string | undefined;
  /** A screen that can be redrawn, not a file, a pipe or a dumb terminal. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly paint: Paint;
}

/** Colours that are the identity where colour is not wanted. Text stays readable without them. */
export type Paint = Readonly<Record<keyof typeof codes, (text: string) => string>>;

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export const plain: Paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };

/** Colour only on a terminal, and not where NO_COLOR (https://no-color.org) is set. */
export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isLive = stream.isTTY && env.TERM !== 'dumb';
  return {
    write: (text) => void stream.write(forScreen(text)),
    eraseLine: isLive ? `${mark}K` : '',
    clearScreen: isLive ? `${mark}J` : undefined,
    isLive,
    get columns() {
      return isLive ? stream.columns || 80 : 110;
    },
    paint: isLive && !env.NO_COLOR ? colours(mark) : plain,
  };
}

/** Stands for the start of our own sequences until text is written, so that nobody else's pass for them. */
const mark = `\x1b${randomBytes(12).toString('hex')}[`;

/** Text as it may go to a screen: our own sequences in force, all others escaped. */
export function forScreen(text: string): string {
  const [first = '', ...rest] = text.split(mark);
  const ours = rest.map((part) => {
    const [sequence = ''] = /^(?:\d+m|K|J)/.exec(part) ?? [];
    const before = { K: '\r', J: '\x1b[H' }[sequence] ?? '';
    return `${before}\x1b[${sequence}${printable(part.slice(sequence.length))}`;
  });
  return [printable(first), ...ours].join('');
}

/** @param start of a sequence */
export function colours(start = '\x1b['): Paint {
  return Object.fromEntries(
    Object.entries(codes).map(([name, code]) => [
      name,
      (text: string) => `${start}${code}m${text}${start}0m`,
    ]),
  ) as Paint;
}

function same(text: string): string {
  return text;
}

/** What a command finds around it: where it writes, and when to stop. */
export interface Surroundings {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly cwd: string;
  /** Aborted when nobody reads the output any more. */
  readonly unheard: AbortSignal;
  /** The names of all commands, for whoever is given a mistyped one. */
  readonly commands: readonly string[];
}
