import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** What the control groups of a process allow it; Infinity where they do not say. */
export interface CgroupLimits {
  readonly memoryBytes: number;
  /** Processors' worth of time, e.g. 1.5. */
  readonly cores: number;
}

interface Mount {
  /** Where it is. */
  readonly point: string;
  /** Which group that is: in a container often not the first. */
  readonly top: string;
  /** Of version 1; undefined for version 2, which has all of them in one tree. */
  readonly controllers?: readonly string[] | undefined;
}

/**
 * The tightest limits of this process's group and all those around it, versions 1 and 2 (Linux; nothing elsewhere). Node.js asks only the
 * group itself, and where it is 20 for no time at all: `process.constrainedMemory()` and `availableParallelism()` of libuv 1.46.
 * https://docs.kernel.org/admin-guide/cgroup-v2.html, https://man7.org/linux/man-pages/man7/cgroups.7.html
 * @param root of the file system, for tests
 */
export function cgroupLimits(root = '/'): CgroupLimits {
  const mounts = readMounts(root);
  let memoryBytes = Infinity;
  let cores = Infinity;
  for (const [, list = '', path = ''] of lines(root, 'proc/self/cgroup').map((line) => splitIn(line, 3))) {
    const isOne = list !== '';
    for (const { point, top, controllers } of mounts) {
      if (isOne !== (controllers !== undefined)) continue;
      if (controllers !== undefined && !list.split(',').some((name) => controllers.includes(name))) continue;
      for (const folder of foldersUp(root, point, top, path)) {
        memoryBytes = Math.min(memoryBytes, ...memoryFiles.map((name) => number(join(folder, name))));
        cores = Math.min(cores, coresOf(folder));
      }
    }
  }
  return { memoryBytes, cores };
}

/** Bytes of memory that this process and its children can have: the machine's, or what is allowed of them. */
export function usableMemoryBytes(): number {
  return Math.min(totalmem(), cgroupLimits().memoryBytes);
}

/** Processors that this process can keep busy, at least 1: a share of one is none more. */
export function usableCores(root?: string): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cgroupLimits(root).cores)));
}

/** Of version 2: beyond `high` the group is slowed down until it does nothing else than giving memory back. Of version 1 the last. */
const memoryFiles = ['memory.max', 'memory.high', 'memory.limit_in_bytes'];

function coresOf(folder: string): number {
  const [quota, period] = read(join(folder, 'cpu.max'))?.trim().split(' ') ?? [
    read(join(folder, 'cpu.cfs_quota_us'))?.trim(),
    read(join(folder, 'cpu.cfs_period_us'))?.trim(),
  ];
  const share = Number(quota) / Number(period);
  // "max", or -1 in version 1.
  return share > 0 ? share : Infinity;
}

/** The group's folder and those around it, as far as this process sees them. */
function foldersUp(root: string, point: string, top: string, path: string): string[] {
  const inside =
    top === '/' ? path : path === top || path.startsWith(`${top}/`) ? path.slice(top.length) : '/';
  const folders: string[] = [];
  // What leads out of what is mounted ("/../..") is not seen: there is what is mounted.
  for (let at = inside.includes('..') ? '/' : inside || '/'; ; at = dirname(at)) {
    folders.push(join(root, point, at));
    if (at === '/') return folders;
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
function readMounts(root: string): Mount[] {
  return lines(root, 'proc/self/mountinfo').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , top = '/', point = '/'] = before.split(' ').map(unescaped);
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') return [{ point, top }];
    return type === 'cgroup' ? [{ point, top, controllers: options.split(',') }] : [];
  });
}

function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

function number(path: string): number {
  const value = Number(read(path) ?? NaN);
  return value > 0 ? value : Infinity;
}

function lines(root: string, path: string): string[] {
  return (read(join(root, path)) ?? '').split('\n').filter((line) => line !== '');
}

function splitIn(line: string, parts: number): string[] {
  const all = line.split(':');
  return [...all.slice(0, parts - 1), all.slice(parts - 1).join(':')];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
