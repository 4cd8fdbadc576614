import type { Sha256 } from '../../../util/hash.ts';

interface Signed {
  readonly middlewareStack: {
    add(
      middleware: (next: (args: never) => Promise<never>) => (args: never) => Promise<never>,
      options: { step: 'build'; name: string },
    ): void;
  };
}

/**
 * Has the digest of the body signed: every S3 server compares it with what arrives. The client itself would sign none
 * for a stream.
 */
export function withDigest<Command>(command: Command, sha256: Sha256): Command {
  (command as Signed).middlewareStack.add(
    (next) => (args: { readonly request: { headers: Record<string, string> } }) => {
      args.request.headers['x-amz-content-sha256'] = sha256;
      return next(args as never);
    },
    { step: 'build', name: 'digestOfBody' },
  );
  return command;
}
