import { BlockForgeError } from '../util/failure.ts';

/** Whether something that went wrong may go well another time: no, yes, or at most once more. */
export type Passing = boolean | 'once';

/**
 * What may pass. Everything else is there to stay: what a job found wrong itself (NaN, a gate), configs, full disks, missing files,
 * bugs.
 *
 * System errors: a disk or a server that did not answer, a connection that broke, a system short of processes, files or memory.
 * Signals that end a child: SIGKILL is what the kernel sends where memory ran out, and what operators send; SIGTERM, SIGHUP and
 * SIGINT are those of schedulers and people; SIGBUS means that a mapped file could not be read. A SIGSEGV twice in a row is a bug.
 */
const passingByName: Readonly<Record<string, Passing>> = Object.freeze({
  EIO: true,
  ESTALE: true,
  ESHUTDOWN: true,
  EREMOTEIO: true,
  ETIMEDOUT: true,
  ETIME: true,
  ECONNRESET: true,
  ECONNABORTED: true,
  ECONNREFUSED: true,
  ENOTCONN: true,
  EPIPE: true,
  ENETDOWN: true,
  ENETUNREACH: true,
  ENETRESET: true,
  EHOSTDOWN: true,
  EHOSTUNREACH: true,
  EAI_AGAIN: true,
  EAGAIN: true,
  EINTR: true,
  EBUSY: true,
  ENFILE: true,
  ENOMEM: true,
  ENOLCK: true,
  SIGKILL: true,
  SIGTERM: true,
  SIGHUP: true,
  SIGINT: true,
  SIGBUS: true,
  SIGSEGV: 'once',
});

/** @param name of a system error (`EIO`) or of the signal that ended a process */
export function passingOf(name: string | null | undefined): Passing {
  return (typeof name === 'string' && Object.hasOwn(passingByName, name) && passingByName[name]) || false;
}

/** Of what was thrown: by the system's own name for it, which an expected failure keeps as its cause. */
export function passingOfError(error: unknown): Passing {
  if (!(error instanceof Error)) return false;
  if (error instanceof BlockForgeError) return passingOfError(error.cause);
  return passingOf((error as NodeJS.ErrnoException).code) || passingOfError(error.cause);
}
