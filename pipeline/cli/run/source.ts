import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Argv } from 'yargs';
import { engineChoices } from '../../tensor/installed.ts';
import { once, oneOf, seeHelp } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { RunSource } from './prepare.ts';

type Text = string | string[];

/** As yargs reads them: what says on a command line which run is meant. */
export interface SourceOptions {
  readonly file?: string | undefined;
  readonly config?: Text | undefined;
  readonly set?: string[] | undefined;
  readonly engine?: Text | undefined;
  readonly seed?: Text | undefined;
  readonly runs: Text;
}

/** The options of every command that is about a run by its config. */
export const sourceOptions = {
  config: { type: 'string', alias: 'c', describe: 'YAML file; a bare name is found in configs/' },
  set: { type: 'string', array: true, describe: 'change one setting: key.path=value' },
  engine: { type: 'string', describe: `compute engine: ${engineChoices.join(', ')}` },
  seed: { type: 'string', describe: 'seed of all random numbers' },
  runs: { type: 'string', default: 'runs', describe: 'folder of the run folders' },
} as const;

/** Adds the options, and the config as a word by itself. */
export function withSource(parser: Argv): Argv<SourceOptions> {
  return parser
    .positional('file', { type: 'string', describe: 'the same as --config' })
    .options(sourceOptions)
    .requiresArg(['config', 'set', 'engine', 'seed', 'runs'])
    .group(['config', 'set', 'engine', 'seed'], 'What to run:');
}

/** @throws BlockForgeError `usage` */
export function readSource(args: SourceOptions): RunSource {
  const option = once('config', args.config);
  if (option !== undefined && args.file !== undefined) {
    fail({
      reason: 'usage',
      subject: args.file,
      found: `a second config beside --config ${option}`,
      expected: 'one',
    });
  }
  const config = option ?? args.file;
  if (config === undefined || config === '') {
    fail({
      reason: 'usage',
      subject: '--config',
      found: 'missing',
      expected: 'the YAML file to run, e.g. --config demo.yaml',
      next: seeHelp,
    });
  }
  const engine = oneOf('engine', once('engine', args.engine), engineChoices);
  const seed = once('seed', args.seed);
  if (seed !== undefined && !(/^\d+$/.test(seed) && Number.isSafeInteger(Number(seed)))) {
    fail({
      reason: 'usage',
      subject: `--seed ${seed}`,
      found: 'not a seed',
      expected: 'a whole number from 0 up',
    });
  }
  return {
    config,
    overrides: [
      ...(args.set ?? []),
      ...(engine === undefined ? [] : [`engine=${engine}`]),
      ...(seed === undefined ? [] : [`seed=${seed}`]),
    ],
    runs: once('runs', args.runs),
  };
}

/** The places that such a command was told to use, by the option that names each. */
export function sourcePlaces({ runs, config }: RunSource): Readonly<Record<string, string>> {
  return {
    '--runs DIR': runs,
    '--config FILE': config,
    'BLOCKFORGE_CACHE=DIR': process.env.BLOCKFORGE_CACHE || join(homedir(), '.cache', 'blockforge'),
  };
}
