import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examples } from './files.ts';

/** A folder in front of the PATH, whose programs say what they were asked for, and the scripts run with it. */
export interface Stubs {
  readonly folder: string;
  /** A program in the PATH: bash behind a line that writes its words down. */
  put(name: string, script: string): void;
  /** The words that a program was given, call by call. */
  calls(name: string): readonly (readonly string[])[];
  /** Whether a program has left a file in its working folder. */
  exists(file: string): boolean;
  start(script: string, words: readonly string[], environment?: NodeJS.ProcessEnv): Started;
  remove(): void;
}

export interface Started {
  /** What it has written to its output until now. */
  readonly said: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

export function makeStubs(): Stubs {
  const folder = mkdtempSync(join(tmpdir(), 'blockforge-examples-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const callsOf = (name: string) => join(folder, `${name}.calls`);
  return {
    folder,
    put(name, script) {
      const path = join(bin, name);
      writeFileSync(
        path,
        `#!/usr/bin/env bash\n{ printf '%s\\n' "$@"; echo; } >>'${callsOf(name)}'\n${script}\n`,
      );
      chmodSync(path, 0o755);
    },
    calls(name) {
      if (!existsSync(callsOf(name))) return [];
      const calls = readFileSync(callsOf(name), 'utf8').split('\n\n').slice(0, -1);
      return calls.map((call) => call.split('\n'));
    },
    exists: (file) => existsSync(join(folder, file)),
    start(script, words, environment = {}) {
      const child = spawn('bash', [join(examples, script), ...words], {
        cwd: folder,
        env: { ...process.env, ...environment, PATH: `${bin}:${process.env.PATH ?? ''}` },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>(
        (resolve, reject) => {
          child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
        },
      );
      return { said: () => stdout, kill: (signal) => child.kill(signal), ended };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
