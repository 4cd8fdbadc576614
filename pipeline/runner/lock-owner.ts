import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { withoutPassword } from '../util/without-password.ts';

/** Who holds a run folder: `owner.json`, for people and for telling a dead owner from a living one. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  readonly started: string;
  /** This start of this system, and its process numbers: a container has its own. Absent where it cannot be told. */
  readonly machine?: string | undefined;
  /** When the process began, as its system counts: numbers of processes are given again. */
  readonly processStart?: string | undefined;
}

/** This process as an owner. */
export function thisOwner(): LockOwner {
  return {
    pid: process.pid,
    host: hostname(),
    // Others read it: what it was told of a queue or a server may hold a password.
    command: withoutPassword(process.argv.slice(1).join(' ')),
    started: new Date().toISOString(),
    machine: thisMachine(),
    processStart: statOf(process.pid)?.start,
  };
}

/** @returns undefined where it cannot be told from here: then only the lock's age tells */
export function isAlive({
  pid,
  host,
  machine,
  processStart,
}: Omit<LockOwner, 'command'>): boolean | undefined {
  if (host !== hostname() || (machine !== undefined && machine !== thisMachine())) return undefined;
  if (!exists(pid)) return false;
  const found = statOf(pid);
  if (found === undefined) return true;
  // One that was killed and not yet buried still has its number.
  const isBuried = found.state === 'Z' || found.state === 'X';
  return !isBuried && (processStart === undefined || processStart === found.start);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it lives, but belongs to somebody else
  }
}

/** Linux; elsewhere undefined. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statOf(pid: number): { readonly state: string; readonly start: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program stands in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function thisMachine(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}
