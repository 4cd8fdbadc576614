/**
 * The other side of a comparison: a Python process that stays, so that its work and ours can take turns. It is told what to do in lines of
 * JSON, and answers each with one (`peer.py`).
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fail } from '../../pipeline/util/failure.ts';
import type { Side, Timed } from './measure.ts';

/** As the process says. */
export interface PeerFacts {
  /** `Python 3.11.9, PyTorch 2.13.0+cpu, NumPy 2.4.6` */
  readonly description: string;
  readonly threads: number;
}

export interface Peer {
  readonly facts: PeerFacts;
  /** Gets a task ready, beside those that are. */
  prepare(task: string, settings: Readonly<Record<string, unknown>>): Promise<Side>;
  /** Frees all tasks. */
  forget(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * @param interpreter a Python that has PyTorch and NumPy
 * @param threads of PyTorch and of NumPy's BLAS, which reads the environment alone
 * @throws BlockForgeError `usage` where the interpreter does not start or lacks a library, also later where it ends
 */
export async function startPeer(
  interpreter: string,
  threads: number,
  script = join(import.meta.dirname, 'peer.py'),
): Promise<Peer> {
  const count = String(threads);
  const child = spawn(interpreter, [script, count], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      OMP_NUM_THREADS: count,
      OPENBLAS_NUM_THREADS: count,
      MKL_NUM_THREADS: count,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  let errors = '';
  let problem: string | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = `${errors}${text}`.slice(-4000)));
  child.on('error', (error) => (problem = error.message));
  // A process that has ended is noticed when its answer is read.
  child.stdin.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();

  const read = async (): Promise<Record<string, unknown>> => {
    const line = await lines.next();
    if (line.done !== true) {
      const answer = parsed(line.value);
      if (answer === undefined) return failed(`it answered ${line.value.slice(0, 200)}`);
      if (typeof answer.error === 'string') return failed(answer.error);
      return answer;
    }
    await closed;
    return failed(problem ?? errors.trim().split('\n').at(-1) ?? 'it ended');
  };
  let isStarted = false;
  const failed = (found: string): never => {
    child.kill();
    const alone = 'unset BLOCKFORGE_PYTHON to see our side alone';
    return fail({
      reason: 'usage',
      subject: `BLOCKFORGE_PYTHON=${interpreter}`,
      found: found === '' ? 'it ended without a word' : found,
      ...(isStarted
        ? { next: alone }
        : {
            expected: 'a Python 3.9 or newer with torch and numpy',
            next: `${interpreter} -m pip install torch numpy, or ${alone}`,
          }),
    });
  };
  const ask = (question: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    return read();
  };

  const { description, threads: used } = (await read()) as unknown as PeerFacts;
  isStarted = true;
  return {
    facts: { description, threads: used },
    async prepare(task, settings) {
      const { task: run } = await ask({ prepare: task, settings });
      return { run: async (times) => (await ask({ run, count: times })) as unknown as Timed };
    },
    async forget() {
      await ask({ forget: true });
    },
    async stop() {
      child.stdin.end();
      await closed;
    },
  };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
