import type { Argv } from 'yargs';
import { once, oneOf, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';
import { readSelection, type RunCommand } from '../run/arguments.ts';
import { readSource, sourcePlaces, withSource, type SourceOptions } from '../run/source.ts';

export const planFormats = ['table', 'json', 'slurm', 'kubernetes', 'make'] as const;
export type PlanFormat = (typeof planFormats)[number];

export interface PlanCommand extends Omit<RunCommand, 'plan' | 'quiet' | 'stopAfter' | 'retryFailed'> {
  readonly format: PlanFormat;
  /** A folder for the files; absent: they are printed. */
  readonly out?: string | undefined;
  /** Fail where a job is not up to date. */
  readonly check: boolean;
  readonly script: ScriptOptions;
}

/** What the written scripts ask a scheduler for beside what follows from the plan. */
export interface ScriptOptions {
  /** slurm: further options of sbatch, each a word. */
  readonly options: readonly string[];
  /** GPUs for a job with numerics; absent: one where the engine here computes on CUDA. */
  readonly gpus?: number | undefined;
  /** Processors for a job with numerics; absent: 1 for the engine wasm, which computes on one, else 4. */
  readonly cpus?: number | undefined;
  /** Jobs of a group at once, at most. */
  readonly atOnce?: number | undefined;
  /** slurm: largest size of an array. */
  readonly arrayLimit: number;
  /** kubernetes */
  readonly image: string;
  /** kubernetes: what is mounted where. */
  readonly volumes: readonly Volume[];
  /** kubernetes: environment variables. */
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** A folder of a PersistentVolumeClaim at a place of the container. */
export interface Volume {
  readonly claim: string;
  readonly folder?: string | undefined;
  readonly path: string;
  readonly readOnly: boolean;
}

type Text = string | string[];

interface Options extends SourceOptions {
  readonly from?: Text | undefined;
  readonly only?: Text | undefined;
  readonly json: boolean;
  readonly format: Text;
  readonly out?: Text | undefined;
  readonly check: boolean;
  readonly option?: string[] | undefined;
  readonly gpus?: Text | undefined;
  readonly cpus?: Text | undefined;
  readonly 'at-once'?: Text | undefined;
  readonly 'array-limit'?: Text | undefined;
  readonly image?: Text | undefined;
  readonly volume?: string[] | undefined;
  readonly env?: string[] | undefined;
}

const texts = ['from', 'only', 'format', 'out', 'gpus', 'cpus', 'at-once', 'array-limit', 'image'];

export const planArguments: CommandArguments<PlanCommand, Options> = {
  usage: 'plan [file]',
  describe: 'show what a run would do, or write it down for a scheduler',
  options: (parser): Argv<Options> =>
    withSource(parser)
      .options({
        from: { type: 'string', describe: 'as if this stage and what depends on it ran again' },
        only: { type: 'string', describe: 'as if this stage ran alone' },
        format: { type: 'string', default: 'table', describe: planFormats.join(', ') },
        out: { type: 'string', describe: 'folder for what is written; without it, it is printed' },
        check: { type: 'boolean', default: false, describe: 'fail (5) where a job is not up to date' },
        json: { type: 'boolean', default: false, describe: 'the same as --format json' },
        option: {
          type: 'string',
          array: true,
          describe: 'slurm: an option of sbatch: --option=--partition=gpu',
        },
        gpus: { type: 'string', describe: 'GPUs for a job; default: 1 with CUDA, else 0' },
        cpus: { type: 'string', describe: 'processors for a job; default: 1 for wasm, else 4' },
        'at-once': { type: 'string', describe: 'jobs of a group at once, at most' },
        'array-limit': { type: 'string', describe: 'slurm: largest array; default 1000' },
        image: { type: 'string', describe: 'kubernetes: image of BlockForge; default: blockforge:latest' },
        volume: { type: 'string', array: true, describe: 'kubernetes: a volume, CLAIM[/FOLDER]:/PATH[:ro]' },
        env: { type: 'string', array: true, describe: 'kubernetes: an environment variable, NAME=VALUE' },
      })
      .requiresArg([...texts, 'option', 'volume', 'env'])
      .group(['from', 'only', 'runs'], 'Which part of it:')
      .group(['format', 'out', 'json', 'check'], 'Output:')
      .group(
        ['gpus', 'cpus', 'at-once', 'option', 'array-limit', 'image', 'volume', 'env'],
        'For a scheduler:',
      )
      .epilog('docs/slurm.md, docs/kubernetes.md and docs/make.md: a page each.')
      .example('$0 plan demo.yaml', 'the same as run --plan')
      .example('$0 plan demo.yaml --format slurm --out cluster', 'writes cluster/submit.sh')
      .example('$0 plan demo.yaml --format make > Makefile', 'then: make -j 4'),
  read(args) {
    const named = oneOf('format', once('format', args.format), planFormats);
    const out = once('out', args.out);
    if (named === undefined) throw new Error('a format has a default');
    const format = args.json && named === 'table' ? 'json' : named;
    refuseBeside(format, { ...args });
    return {
      ...readSource(args),
      ...readSelection(args),
      json: format === 'json',
      format,
      out,
      check: args.check,
      script: {
        options: (args.option ?? []).map(readOption),
        gpus: wholeNumber('gpus', once('gpus', args.gpus), 0),
        cpus: wholeNumber('cpus', once('cpus', args.cpus)),
        atOnce: wholeNumber('at-once', once('at-once', args['at-once'])),
        arrayLimit: wholeNumber('array-limit', once('array-limit', args['array-limit'])) ?? 1000,
        image: once('image', args.image) ?? 'blockforge:latest',
        volumes: (args.volume ?? []).map(readVolume),
        env: (args.env ?? []).map(readVariable),
      },
    };
  },
  places: (asked) => ({ ...sourcePlaces(asked), '--out DIR': asked.out }),
};

const written: readonly PlanFormat[] = ['slurm', 'kubernetes', 'make'];
const clusters: readonly PlanFormat[] = ['slurm', 'kubernetes'];

/** Options that have no meaning beside all formats, and beside which they have one. */
const meant: Readonly<Record<string, readonly PlanFormat[]>> = {
  from: ['table', 'json'],
  only: ['table', 'json'],
  check: ['table', 'json'],
  json: ['table', 'json'],
  out: written,
  gpus: clusters,
  cpus: clusters,
  'at-once': clusters,
  option: ['slurm'],
  'array-limit': ['slurm'],
  image: ['kubernetes'],
  volume: ['kubernetes'],
  env: ['kubernetes'],
};

function refuseBeside(format: PlanFormat, args: Readonly<Record<string, unknown>>): void {
  const isGiven = (name: string): boolean => args[name] !== undefined && args[name] !== false;
  const [option, formats = []] =
    Object.entries(meant).find(([name, all]) => isGiven(name) && !all.includes(format)) ?? [];
  if (option === undefined) return;
  fail({
    reason: 'usage',
    subject: `--${option}`,
    found: `it has no meaning beside --format ${format}`,
    expected: ['from', 'only', 'check'].includes(option)
      ? 'all jobs: those that are up to date are not done again'
      : `--format ${formats.join(' or ')}`,
    ...(option === 'from' && {
      next: 'remove the folder of that stage from the run folder: it is done again, and so is what depends on it',
    }),
  });
}

function readOption(text: string): string {
  if (text.startsWith('-')) return text;
  return fail({
    reason: 'usage',
    subject: `--option ${text}`,
    found: 'not an option of sbatch, which would take it for a script',
    expected: 'one with its value, each by itself: --option=--partition=gpu',
  });
}

function readVolume(text: string): Volume {
  const pattern = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?:\/([^:]+))?:(\/[^:]*?)\/?(:ro)?$/;
  const [, claim, folder, path, readOnly] = pattern.exec(text) ?? [];
  if (claim !== undefined && path !== undefined)
    return { claim, folder, path, readOnly: readOnly !== undefined };
  return fail({
    reason: 'usage',
    subject: `--volume ${text}`,
    found: 'not a claim and a place',
    expected: 'CLAIM[/FOLDER]:/PATH[:ro], e.g. blockforge/runs:/runs',
  });
}

function readVariable(text: string): ScriptOptions['env'][number] {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { name, value };
  return fail({
    reason: 'usage',
    subject: `--env ${text}`,
    found: 'not a variable with its value',
    expected: 'NAME=VALUE',
  });
}
