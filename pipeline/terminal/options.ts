import { nearest } from '../config/nearest.ts';
import { fail } from '../util/failure.ts';

export const seeHelp = 'npm run pipeline -- --help lists the options';

/** The library that a command is about. */
export const libraryArgument = {
  type: 'string',
  demandOption: true,
  describe: 'library folder or run folder',
} as const;

/** yargs gathers a repeated option into a list; only --set may be repeated. */
export function once<T extends string | undefined>(option: string, value: T | string[]): T {
  if (!Array.isArray(value)) return value;
  return fail({
    reason: 'usage',
    subject: `--${option}`,
    found: `given ${value.length} times`,
    expected: 'once',
  });
}

/** A count given as text. @throws BlockForgeError `usage` */
export function wholeNumber(option: string, value: string | undefined, least = 1): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
  return fail({
    reason: 'usage',
    subject: `--${option} ${value}`,
    found: 'not a whole number',
    expected: `${least} or more`,
  });
}

/** Of timers: beyond it they fire at once. */
const longestSeconds = 24 * 86_400;

/** A duration like 7h30m, 45m or 90s, in seconds. @throws BlockForgeError `usage` */
export function duration(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [all, ...parts] = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(value) ?? [];
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.map((part?: string) => Number(part ?? 0));
  const total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
  if (all !== undefined && total > 0 && total <= longestSeconds) return total;
  return fail({
    reason: 'usage',
    subject: `--${option} ${value}`,
    found: total > longestSeconds ? 'longer than 24 days' : 'not a duration',
    expected: 'days, hours, minutes, seconds: e.g. 7h30m, 45m, 90s',
  });
}

/** `--stop-after`, of whatever may have to end in time: read it by `duration`, give it to `watchStops`. */
export const stopAfterOption = {
  type: 'string',
  describe: 'save and stop after so long (7h30m, 45m, 90s): exit code 75, and the same command goes on',
} as const;

/** Refuses a value that is none of `known`, with the nearest known one; `what` it would be. @throws BlockForgeError `usage` */
export function oneOf<T extends string>(
  option: string,
  value: string | undefined,
  known: readonly T[],
  what = option,
): T | undefined {
  if (value === undefined) return undefined;
  const match = known.find((candidate) => candidate === value);
  if (match !== undefined) return match;
  const near = nearest(value, known);
  return fail({
    reason: 'usage',
    subject: `--${option} ${value}`,
    found: `no such ${what}`,
    expected: `one of: ${known.join(', ')}`,
    next: near === undefined ? undefined : `did you mean "${near}"?`,
  });
}

interface Known {
  readonly options: readonly string[];
  readonly commands: readonly string[];
  /** The first word given. */
  readonly command: string | undefined;
}

/** Turns a message of yargs into a failure; a mistyped option gets the nearest known one. */
export function refuse(message: string, { options, commands, command }: Known): never {
  const unknown = /^Unknown arguments?: (.*)$/m.exec(message)?.[1]?.split(', ') ?? [];
  const valueless = /^Not enough arguments following: (\S+)/m.exec(message)?.[1];
  if (valueless !== undefined) {
    fail({ reason: 'usage', subject: `--${valueless}`, found: 'nothing follows it', next: seeHelp });
  }
  if (message.startsWith('Not enough non-option arguments')) {
    const [given, needed] = [...message.matchAll(/\d+/g)].map(Number);
    if (given !== undefined && given > 0) {
      fail({
        reason: 'usage',
        subject: command ?? 'command line',
        found: `${given} of the ${needed} names that it needs`,
        next: `npm run pipeline -- ${command ?? ''} --help says which`,
      });
    }
    fail({
      reason: 'usage',
      subject: command ?? 'command line',
      found: 'no library named',
      expected: `a library folder or a run folder, e.g. ${command ?? 'show'} runs/demo`,
    });
  }
  const [first] = unknown;
  if (first === undefined) {
    fail({
      reason: 'usage',
      subject: 'command line',
      found: message.trim().replace(/\n+/g, '; '),
      next: seeHelp,
    });
  }
  const known = [...new Set(options)];
  const near = nearest(first, known) ?? nearest(first, commands);
  const isOption = near === undefined || known.includes(near);
  const isSetting = first.includes('.');
  fail({
    reason: 'usage',
    subject: unknown.join(', '),
    found: 'unknown on the command line',
    next: isSetting
      ? `a setting of the config is changed with --set ${first}=...`
      : near === undefined
        ? seeHelp
        : `did you mean ${isOption ? '--' : ''}${near}?`,
  });
}
