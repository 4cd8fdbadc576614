import yargs from 'yargs';
import { commands } from './commands.ts';
import { fail } from '../util/failure.ts';
import { packageFolder } from '../util/package.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What npm calls an option of ours in the environment, where that is not its name. */
const calledByNpm: Readonly<Record<string, readonly string[]>> = {
  // It reads "--plan" as -p -l -a -n.
  plan: ['parseable', 'long', 'all'],
  c: ['call'],
};

/** Options that npm has as well: a user may have them in a file of settings. It says nothing of those it has taken. */
const npmHas: ReadonlySet<string> = new Set(['json', 'only', 'quiet', 'help', 'version']);

/** In a line to paste: what npm did not tell. */
const missing = '...';

/**
 * "npm run pipeline --config x --runs y", without the "--" that hands options on: npm takes the options for its own and
 * leaves "x y". Run on, that would be another run than the one that was asked for.
 * @throws BlockForgeError `usage` with the line that was meant
 */
export function refuseForgottenDashes(env: Env, argv: readonly string[]): void {
  if (!isOwnScript(env)) return;
  const taken = ourOptions().flatMap(({ name, isFlag }) => {
    const settings = calledByNpm[name] ?? [name.replaceAll('-', '_')];
    const values = settings.map((setting) => env[`npm_config_${setting}`] ?? '');
    if (values.includes('')) return [];
    const option = name.length === 1 ? `-${name}` : `--${name}`;
    if (isFlag) return [{ option, value: undefined as string | undefined }];
    // "true" where the value was a word of its own, which npm hands on as one; a repeated option has several lines.
    return values[0]!.split(/\n+/).map((value) => ({ option, value: value === 'true' ? missing : value }));
  });
  if (taken.length === 0) return;
  // Which word belongs to which option is lost; a config shows by its ending, and where one is left, it had the last word.
  const words = [...argv];
  const take = (option: string, index: number): void => {
    const entry = taken.find((other) => other.option === option && other.value === missing);
    if (entry !== undefined && index >= 0) entry.value = words.splice(index, 1)[0]!;
  };
  const yaml = words.filter((word) => /\.ya?ml$/.test(word));
  if (yaml.length === 1) take('--config', words.indexOf(yaml[0]!));
  const open = taken.filter(({ value }) => value === missing);
  if (open.length === 1) take(open[0]!.option, words.length - 1);
  fail({
    reason: 'usage',
    subject: [...new Set(taken.map(({ option }) => option))].join(', '),
    found: 'npm took it for an option of its own: the -- that hands options on is missing',
    next: [
      'npm run pipeline --',
      ...(open.length > 1 ? [] : words),
      ...taken.map(({ option, value }) => (value === undefined ? option : `${option} ${value}`)),
    ].join(' '),
  });
}

function ourOptions(): { readonly name: string; readonly isFlag: boolean }[] {
  const all = new Map<string, boolean>([['c', false]]);
  for (const { options } of commands) {
    const { key, boolean } = (
      options(yargs([])) as unknown as { getOptions(): { key: object; boolean: readonly string[] } }
    ).getOptions();
    for (const name of Object.keys(key)) if (!npmHas.has(name)) all.set(name, boolean.includes(name));
  }
  return [...all].map(([name, isFlag]) => ({ name, isFlag }));
}

/**
 * What relative paths are relative to: npm goes to the package's folder before it runs a script, wherever the user is
 * (`npm --prefix DIR run pipeline`, or any folder below it).
 */
export function whereTheUserIs(env: Env, cwd: string): string {
  return isOwnScript(env) && cwd === packageFolder && env.INIT_CWD ? env.INIT_CWD : cwd;
}

function isOwnScript({ npm_lifecycle_event: script, npm_package_name: name }: Env): boolean {
  return script === 'pipeline' && name === 'blockforge';
}
