import { status, type ServiceError } from '@grpc/grpc-js';

/**
 * What an unanswered request says of a device: `down` is not asked again before it is found alive, `late` is asked but not
 * waited for, `refused` answers others, `image` means that the image is at fault.
 */
export type ProblemKind = 'down' | 'late' | 'refused' | 'image';

/** Why a device did not answer. */
export class LinkProblem extends Error {
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, why: string) {
    super(why);
    this.name = 'LinkProblem';
    this.kind = kind;
  }
}

const kinds: Readonly<Partial<Record<status, ProblemKind>>> = {
  [status.DEADLINE_EXCEEDED]: 'late',
  [status.INVALID_ARGUMENT]: 'image',
  [status.RESOURCE_EXHAUSTED]: 'refused',
  [status.INTERNAL]: 'refused',
  [status.CANCELLED]: 'refused',
};

/** What gRPC says of a call, in words. */
export function linkProblem({ code, details }: Pick<ServiceError, 'code' | 'details'>): LinkProblem {
  const kind = kinds[code] ?? 'down';
  switch (code) {
    case status.DEADLINE_EXCEEDED:
      return new LinkProblem(kind, 'no answer within the deadline');
    case status.UNAVAILABLE:
      return new LinkProblem(kind, `cannot be reached: ${plainReason(details)}`);
    case status.UNIMPLEMENTED:
      return new LinkProblem(kind, 'something else listens there');
    default:
      return new LinkProblem(kind, details);
  }
}

/** "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1 (...)" -> "connect ECONNREFUSED 127.0.0.1:1" */
function plainReason(details: string): string {
  const last = /Last error: (?:Error: )?(.*)$/s.exec(details)?.[1] ?? details;
  return last
    .split('\n')[0]!
    .replace(/\. Resolution note:.*$/, '')
    .slice(0, 200);
}
