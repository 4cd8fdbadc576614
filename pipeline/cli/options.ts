import { nearest } from '../config/nearest.ts';
import { fail } from '../util/failure.ts';

export const seeHelp = 'npm run pipeline -- --help lists the options';
export const commands = ['run', 'show', 'doctor', 'compose', 'profile', 'legodnn', 'verify'];

/** yargs gathers a repeated option into a list; only --set may be repeated. */
export function once(option: string, value: string | string[] | undefined): string | undefined {
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

/** Refuses a value that is none of `known`, with the nearest known one. @throws BlockForgeError `usage` */
export function oneOf<T extends string>(
  option: string,
  value: string | undefined,
  known: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const match = known.find((candidate) => candidate === value);
  if (match !== undefined) return match;
  const near = nearest(value, known);
  return fail({
    reason: 'usage',
    subject: `--${option} ${value}`,
    found: `no such ${option === 'from' || option === 'only' ? 'stage' : option}`,
    expected: `one of: ${known.join(', ')}`,
    ...(near === undefined ? {} : { next: `did you mean "${near}"?` }),
  });
}

/** Turns a message of yargs into a failure; a mistyped option gets the nearest known one. */
export function refuse(message: string, options: readonly string[], command?: string): never {
  const unknown = /^Unknown arguments?: (.*)$/m.exec(message)?.[1].split(', ') ?? [];
  const valueless = /^Not enough arguments following: (\S+)/m.exec(message)?.[1];
  if (valueless !== undefined) {
    fail({ reason: 'usage', subject: `--${valueless}`, found: 'nothing follows it', next: seeHelp });
  }
  if (message.startsWith('Not enough non-option arguments')) {
    fail({
      reason: 'usage',
      subject: command ?? 'command line',
      found: 'no library named',
      expected: `a library folder or a run folder, e.g. ${command ?? 'show'} runs/demo`,
    });
  }
  if (unknown.length === 0) {
    fail({
      reason: 'usage',
      subject: 'command line',
      found: message.trim().replace(/\n+/g, '; '),
      next: seeHelp,
    });
  }
  const [first] = unknown;
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
