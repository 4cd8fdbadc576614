import { interruptedExitCode } from './report-error.ts';
import { stoppedExitCode } from './stops.ts';

/** What each exit code means; scripts may rely on them. `exitCodeOf` (util/failure.ts) has those of the reasons for a failure. */
export const exitCodes: readonly { readonly code: number; readonly meaning: string }[] = [
  { code: 0, meaning: 'done' },
  { code: 1, meaning: 'a bug' },
  { code: 2, meaning: 'command line or config' },
  { code: 3, meaning: 'files or data' },
  { code: 4, meaning: 'engine or disk space' },
  { code: 5, meaning: 'a job or a gate failed' },
  { code: 6, meaning: 'the run is locked' },
  { code: stoppedExitCode, meaning: 'stopped with work left: the same command goes on' },
  { code: interruptedExitCode, meaning: 'interrupted by Ctrl-C' },
];

/** For the help of a command. */
export const exitCodesLine = `Exit codes: ${exitCodes.map(({ code, meaning }) => `${code} ${meaning}`).join('; ')}.`;
