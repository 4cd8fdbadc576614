/** Where text goes, and what it may do there. */
export interface Terminal {
  write(text: string): void;
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
    write: (text) => void stream.write(text),
    isLive,
    get columns() {
      return isLive ? stream.columns || 80 : 110;
    },
    paint: isLive && !env.NO_COLOR ? colours() : plain,
  };
}

export function colours(): Paint {
  return Object.fromEntries(
    Object.entries(codes).map(([name, code]) => [name, (text: string) => `\x1b[${code}m${text}\x1b[0m`]),
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
