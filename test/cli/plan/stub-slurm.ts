import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What of Slurm the scripts use. */
export interface Slurm {
  readonly environment: NodeJS.ProcessEnv;
  /** Until no task is left. */
  finish(): Promise<void>;
  /** As some time before the limit: to the batch script of the task that runs. */
  signal(group: string, index: number): void;
  stop(): void;
}

const sbatch = `#!/usr/bin/env bash
id=$(($(ls "$STUB" | grep -c '^job-') + 1))
mkdir "$STUB/job-$id"
printf '%s\\n' "$@" > "$STUB/job-$id/arguments"
cat > "$STUB/job-$id/script"
echo "$id;cluster"
`;
const scontrol = `#!/usr/bin/env bash
[ "$1" = requeue ] && touch "$STUB/requeue-$2"
`;

/**
 * Takes what `sbatch` is given and does the tasks in order, one after the other, as their dependencies and exit codes say:
 * https://slurm.schedmd.com/sbatch.html#OPT_dependency
 */
export function stubSlurm(folder: string, environment: NodeJS.ProcessEnv): Slurm {
  const bin = join(folder, 'bin');
  const stub = join(folder, 'stub');
  for (const made of [bin, stub]) mkdirSync(made);
  for (const [name, text] of Object.entries({ sbatch, scontrol })) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  const env = {
    ...environment,
    STUB: stub,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
  };
  /** By array: the exit code of each task, undefined where it was cancelled. */
  const codes = new Map<string, (number | undefined)[]>();
  let running: { readonly name: string; readonly pid: number } | undefined;

  const task = (id: string, index: number, name: string, script: string): Promise<number> =>
    new Promise((resolve) => {
      const own = {
        SLURM_ARRAY_TASK_ID: String(index),
        SLURM_ARRAY_JOB_ID: id,
        SLURM_JOB_ID: `9${id}${index}`,
      };
      const child = spawn('bash', [script], {
        env: { ...env, ...own },
        cwd: folder,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      running = { name: `${name} ${index}`, pid: child.pid ?? 0 };
      child.once('exit', (code) => resolve(code ?? 1));
    });
  const mayStart = (dependency: string, index: number): boolean =>
    dependency.split(',').every((part) => {
      const [type, ...ids] = part.split(':');
      if (type === 'afterany' || type === '') return true;
      if (type === 'aftercorr') return ids.every((id) => codes.get(id)?.[index] === 0);
      return ids.every((id) => codes.get(id)?.every((code) => code === 0));
    });

  return {
    environment: env,
    async finish() {
      for (let number = 1; existsSync(join(stub, `job-${number}`)); number++) {
        const id = String(number);
        const given = readFileSync(join(stub, `job-${id}`, 'arguments'), 'utf8')
          .trim()
          .split('\n');
        const option = (name: string) =>
          given.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
        const last = Number(/^0-(\d+)/.exec(option('array'))?.[1]);
        const own: (number | undefined)[] = [];
        codes.set(id, own);
        for (let index = 0; index <= last; index++) {
          if (!mayStart(option('dependency'), index)) {
            own.push(undefined);
            continue;
          }
          const requeue = join(stub, `requeue-${id}_${index}`);
          const name = option('job-name').split(':')[1] ?? '';
          do {
            rmSync(requeue, { force: true });
            own[index] = await task(id, index, name, join(stub, `job-${id}`, 'script'));
          } while (existsSync(requeue));
        }
      }
      for (const name of readdirSync(stub)) rmSync(join(stub, name), { recursive: true });
    },
    signal(group, index) {
      if (running?.name !== `${group} ${index}`)
        throw new Error(`${running?.name} runs, not ${group} ${index}`);
      process.kill(running.pid, 'SIGUSR1');
    },
    stop: () => undefined,
  };
}
