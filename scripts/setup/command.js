import { spawn } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';

/** An expected reason for which one way to an engine is closed: a sentence for people. Anything else thrown is a bug. */
export class Unavailable extends Error {}

/**
 * @typedef {object} Outcome
 * @property {boolean} ok ended by itself with status 0
 * @property {boolean} missing there is no such program
 * @property {boolean} timedOut
 * @property {number | null} status
 * @property {string | null} signal
 * @property {string} stdout
 * @property {string} stderr
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * Runs a program to its end with its output collected; never throws. Each program leads a process group of its own, so
 * that ending it also ends what it started.
 *
 * @param {string} command
 * @param {readonly string[]} parameters
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<Outcome>}
 */
export function run(command, parameters, { cwd, env, timeoutMs = 60_000 } = {}) {
  return new Promise((settle) => {
    const grouped = process.platform !== 'win32';
    const child = spawn(command, parameters, {
      cwd,
      env,
      detached: grouped,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    running.add(child);
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    let missing = false;
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    const timer = setTimeout(() => {
      timedOut = true;
      end(child);
    }, timeoutMs);
    child.on('error', (error) => {
      missing = error.code === 'ENOENT' || error.code === 'EACCES';
      stderr += error.message;
      finish(null, null);
    });
    child.on('close', finish);

    /** @param {number | null} status @param {string | null} signal */
    function finish(status, signal) {
      clearTimeout(timer);
      running.delete(child);
      settle({ ok: status === 0 && !timedOut, missing, timedOut, status, signal, stdout, stderr });
    }
  });
}

/** Ends every program that is running, with its descendants. */
export function endAll() {
  for (const child of running) end(child);
}

/** @param {import('node:child_process').ChildProcess} child */
function end(child) {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/**
 * Why a program failed, in one line: the last line of its output that names an error, else the last one that says anything.
 *
 * @param {Outcome} outcome
 * @returns {string}
 */
export function lastWords(outcome) {
  if (outcome.timedOut) return 'it took too long and was stopped';
  const lines = `${outcome.stdout}\n${outcome.stderr}`
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^at |^Emitted |^Node\.js v|^\^+$|^[{}\]]/.test(line));
  const words = lines.filter((line) => /error|not found|cannot|failed/i.test(line)).at(-1) ?? lines.at(-1);
  const end = outcome.signal === null ? `exit status ${outcome.status}` : `ended by ${outcome.signal}`;
  return words === undefined ? end : `${words.slice(0, 300)} (${end})`;
}
