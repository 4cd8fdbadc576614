import type { MethodDefinition } from '@grpc/grpc-js';
import { LinkProblem } from './link-problem.ts';

/** A device's answer, which may be anything. @throws LinkProblem `refused` */
export function readMessage<R>(
  method: Pick<MethodDefinition<never, R>, 'responseDeserialize'>,
  message: Buffer,
): R {
  try {
    return method.responseDeserialize(message);
  } catch {
    throw new LinkProblem('refused', 'its answer cannot be read');
  }
}
