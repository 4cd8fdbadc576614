import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Slurm } from './stub-slurm.ts';

/** Why no Slurm can be started here; undefined where one can. */
export function whyNoSlurm(): string | undefined {
  const missing = ['slurmctld', 'slurmd', 'munged', 'sbatch'].find(
    (program) => spawnSync('which', [program], { env: withSbin }).status !== 0,
  );
  if (missing !== undefined) return `${missing} is not installed`;
  return process.getuid?.() === 0 ? undefined : 'slurmd wants to be started by root';
}

const withSbin: NodeJS.ProcessEnv = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };

/** A cluster of this machine alone, with daemons, ports and files of its own. */
export async function realSlurm(folder: string, environment: NodeJS.ProcessEnv): Promise<Slurm> {
  const file = join(folder, 'slurm.conf');
  const [controlPort, nodePort] = [await freePort(), await freePort()];
  const host = hostname().split('.')[0]!;
  for (const name of ['state', 'spool']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'munge.key'), Buffer.alloc(1024, 7), { mode: 0o400 });
  writeFileSync(
    file,
    `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=${controlPort}
SlurmdPort=${nodePort}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
CredType=cred/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
KillWait=1
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`,
  );
  const env = { ...withSbin, ...environment, SLURM_CONF: file };
  const daemons: ChildProcess[] = [];
  const daemon = (program: string, ...args: string[]): void => {
    const log = openSync(join(folder, `${program}.out`), 'a');
    daemons.push(spawn(program, args, { env, stdio: ['ignore', log, log] }));
  };
  const ask = (...words: string[]): string =>
    spawnSync(words[0]!, words.slice(1), { env, encoding: 'utf8' }).stdout;
  const until = async (condition: () => boolean): Promise<void> => {
    const end = Date.now() + 90_000;
    while (!condition()) {
      if (Date.now() > end)
        throw new Error(`waited in vain for ${condition.toString()}: ${ask('squeue', '-a')}`);
      await sleep(200);
    }
  };
  const place = (name: string) => join(folder, name);
  daemon(
    'munged',
    ...['--force', '--foreground', `--socket=${place('munge.socket')}`, `--key-file=${place('munge.key')}`],
    ...[
      `--pid-file=${place('munged.pid')}`,
      `--log-file=${place('munged.log')}`,
      `--seed-file=${place('munged.seed')}`,
    ],
  );
  await until(() => existsSync(place('munge.socket')));
  daemon('slurmctld', '-D', '-c', '-f', file);
  daemon('slurmd', '-D', '-c', '-f', file);
  await until(() => /idle/.test(ask('sinfo', '-h', '-o', '%T')));
  return {
    environment: env,
    finish() {
      const seen = new Map<string, number>();
      return until(() => {
        const again = ask('squeue', '-h', '-r', '-t', 'PENDING', '-o', '%i %r').matchAll(
          /^(\S+) BeginTime$/gm,
        );
        for (const [, id = ''] of again) {
          const since = seen.get(id) ?? Date.now();
          seen.set(id, since);
          // Slurm lets two minutes pass before a task that was queued again starts, so that nothing is left of it by then.
          if (Date.now() - since > 5000) ask('scontrol', 'update', `JobId=${id}`, 'StartTime=now');
        }
        return ask('squeue', '-h').trim() === '';
      });
    },
    signal(group, index) {
      const [id] = ask('squeue', '-h', '-r', '-o', '%i', `--name=fake:${group}`)
        .split('\n')
        .filter((line) => line.endsWith(`_${index}`));
      execFileSync('scancel', ['--signal=USR1', '--batch', id ?? 'no such task'], { env });
    },
    stop() {
      ask('scancel', '--user=root', '--signal=KILL', '--full');
      for (const child of daemons.reverse()) child.kill('SIGKILL');
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
