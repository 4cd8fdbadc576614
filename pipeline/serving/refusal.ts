import { status, type StatusObject } from '@grpc/grpc-js';

/** Why a request is not answered, as it goes to whoever asked. */
export class Refusal extends Error {
  readonly code: status;

  constructor(code: status, details: string) {
    super(details);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** What anything that was thrown is to whoever asked: a bug's stack stays here. */
export function statusOf(error: unknown): Partial<StatusObject> {
  if (error instanceof Refusal) return { code: error.code, details: error.message };
  return { code: status.INTERNAL, details: `the device failed: ${firstLine(error)}` };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 200);
}
