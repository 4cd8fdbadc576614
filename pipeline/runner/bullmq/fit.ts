import { fail, type Failure } from '../../util/failure.ts';
import type { Needs } from './queued-job.ts';

/** Whether a worker's results would be those of the run. @throws BlockForgeError `engine-unavailable` */
export function requireFit(run: string, needs: Needs, own: Needs, worker: string): void {
  const [what, expected, found, next] =
    needs.version !== own.version
      ? ([
          'BlockForge',
          needs.version,
          own.version,
          'install the same version and sources here as where the run was started',
        ] as const)
      : needs.engine !== own.engine
        ? ([
            'the engine',
            needs.engine,
            own.engine,
            'start the worker with the run’s engine (--engine), or install that one here (npm run setup)',
          ] as const)
        : [];
  if (what === undefined) return;
  fail({
    reason: 'engine-unavailable',
    subject: `worker ${worker}`,
    found: `${what} is ${found}`,
    expected: `${expected}, as run ${run} needs it`,
    next,
  });
}

/** What the controller is told of a worker that leaves. */
export function refusalText({ subject, found, expected }: Failure): string {
  return `${subject} left: ${found}${expected === undefined ? '' : `; expected: ${expected}`}`;
}
