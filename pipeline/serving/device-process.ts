import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fail } from '../util/failure.ts';
import { packageFolder } from '../util/package.ts';
import { addressText, parseAddress, type Address } from './address.ts';
import { toldFailure } from './told-failure.ts';

/** What `serve --json` says in its first line. */
export interface ServingLine {
  readonly type: 'serving';
  readonly device: string;
  readonly address: string;
  readonly pid: number;
  readonly models: readonly { readonly name: string; readonly features: number }[];
  readonly packageSha256: string;
  readonly engine: string;
}

/** A device that serves in a process of its own on this machine. */
export interface DeviceProcess {
  readonly address: Address;
  readonly pid: number;
  readonly hasEnded: boolean;
  /** As a crash would. */
  readonly kill: () => Promise<void>;
  /** Lets it answer what it has taken. */
  readonly stop: () => Promise<void>;
}

export interface DeviceProcessOptions {
  readonly packageFolder: string;
  readonly address: Address;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const startWithinMs = 60_000;
const stopWithinMs = 5000;
const command = [
  join(packageFolder, 'scripts', 'start.js'),
  join(packageFolder, 'pipeline', 'cli', 'main.ts'),
];

/**
 * Starts `serve` and waits until it listens. It ends with this process, however that ends: the channel between them closes.
 * @throws BlockForgeError what it told of itself, or `job-failed` with its last words
 */
export async function startDeviceProcess(options: DeviceProcessOptions): Promise<DeviceProcess> {
  const { packageFolder: folder, address, threads, signal } = options;
  const limits = threads === undefined ? [] : ['--threads', String(threads)];
  const child = spawn(
    process.execPath,
    [...command, 'serve', folder, '--listen', addressText(address), '--json', ...limits],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: withoutNpm(process.env) },
  );
  const words: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words.push(text);
    if (words.length > 20) words.shift();
  });
  const ended = once(child, 'exit');
  const end = async (how: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(how);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await ended;
    clearTimeout(timer);
  };
  const line = await firstLine(child, signal);
  if (line === undefined) {
    await end('SIGKILL');
    signal?.throwIfAborted();
    const said = words.join('');
    const told = toldFailure(said);
    if (told !== undefined) return fail(told);
    return fail({
      reason: 'job-failed',
      subject: folder,
      found: `its process does not serve: ${said.trim().slice(-2000) || 'it said nothing'}`,
      next: `npm run pipeline -- serve ${folder}`,
    });
  }
  return {
    address: parseAddress('listen', line.address),
    pid: line.pid,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

/** @returns undefined where it ends, says something else, or takes too long */
async function firstLine(child: ChildProcess, signal?: AbortSignal): Promise<ServingLine | undefined> {
  const over = AbortSignal.any([AbortSignal.timeout(startWithinMs), ...(signal ? [signal] : [])]);
  const { stdout } = child;
  if (stdout === null) return undefined;
  const lines = createInterface({ input: stdout });
  const closed = new AbortController();
  lines.once('close', () => closed.abort());
  try {
    const [text] = (await once(lines, 'line', { signal: AbortSignal.any([over, closed.signal]) })) as [
      string,
    ];
    return JSON.parse(text) as ServingLine;
  } catch {
    return undefined;
  }
}

/** Options of this command are no options of the one that is started. */
function withoutNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('npm_')));
}
