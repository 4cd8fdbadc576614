import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** Looks in a period: it is over when all of them in a row found nothing. */
const looks = 10;
/**
 * A process that waits does nothing now and then: timers, the collection of garbage. One that works, an engine's call of minutes without
 * a word included, is far above this share of one processor.
 */
const idleShare = 0.001;

export interface LifeOptions {
  readonly pid: number;
  /** How long it may show none. */
  readonly silentMs: number;
  /** Called once, when it has shown none for so long. */
  readonly onSilent: () => void;
  /** Seconds of processors that it has used; undefined where that cannot be told. Default `cpuSecondsOf`. */
  readonly cpuSeconds?: ((pid: number) => Promise<number | undefined>) | undefined;
}

/**
 * Watches a child at work. Signs of life are its messages (`heard`) and the time of processors that it uses, so that one whose event loop is
 * busy for minutes is not taken for dead. Looks are counted, not hours: while this process is suspended itself nobody grows silent.
 */
export function watchLife({ pid, silentMs, onSilent, cpuSeconds = cpuSecondsOf }: LifeOptions): {
  readonly heard: () => void;
  readonly end: () => void;
} {
  const everyMs = silentMs / looks;
  let silent = 0;
  let used: number | undefined;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const now = await cpuSeconds(pid);
    if (ended) return;
    const isWorking = now !== undefined && used !== undefined && now - used > (idleShare * everyMs) / 1000;
    // The first look only tells where it stands.
    silent = isWorking ? 0 : silent + 1;
    used = now;
    if (silent <= looks) wait();
    else {
      ended = true;
      onSilent();
    }
  };
  const wait = (): void => {
    timer = setTimeout(() => void look(), everyMs).unref();
  };
  wait();
  return {
    heard() {
      silent = 0;
    },
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}

/** Of POSIX systems everywhere: getconf CLK_TCK. */
const ticksPerSecond = 100;

/**
 * Seconds of processors that a process and its children that ended have used: from /proc (Linux), else from `ps` (POSIX), to the second
 * there. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export async function cpuSecondsOf(pid: number): Promise<number | undefined> {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return Number.isFinite(ticks) ? ticks / ticksPerSecond : undefined;
  } catch {
    return cpuSecondsByPs(pid);
  }
}

/** @internal Exported for tests. */
export async function cpuSecondsByPs(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'time=', '-p', String(pid)], { timeout: 5000 });
    // [[days-]hours:]minutes:seconds[.hundredths]
    const [, days = '0', rest = ''] = /^(?:(\d+)-)?([\d:.]+)$/.exec(stdout.trim()) ?? [];
    if (rest === '') return undefined;
    return rest.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
  } catch {
    return undefined;
  }
}
