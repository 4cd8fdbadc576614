import { oneLine } from '../../util/printable.ts';
import type { Connection } from './connection.ts';

export interface Metric {
  readonly key: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}
/** Of a run: a parameter, which is never changed, or a tag. */
export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** What a server answered, or that it did not. The message holds no secret. */
export class MlflowError extends Error {
  /** Worth another try: no answer, or one that may be another the next time. */
  readonly passing: boolean;
  /** MLflow's own, e.g. RESOURCE_DOES_NOT_EXIST. */
  readonly code: string;

  constructor(message: string, { passing, code = '' }: { passing: boolean; code?: string }) {
    super(message);
    this.name = 'MlflowError';
    this.passing = passing;
    this.code = code;
  }
}

/** Asks one method of MLflow's REST API, version 2.0. @throws MlflowError */
export type MlflowClient = (
  method: 'GET' | 'POST',
  /** Below `/api/2.0/mlflow/`. */
  path: string,
  fields: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, unknown>>>;

const requestMs = 10_000;

/** @param signal ends a request that waits */
export function mlflowClient({ url, authorization }: Connection, signal: AbortSignal): MlflowClient {
  return async (method, path, fields) => {
    const query =
      method === 'GET' ? `?${new URLSearchParams(fields as Record<string, string>).toString()}` : '';
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${url}/api/2.0/mlflow/${path}${query}`, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(authorization !== undefined && { authorization }),
        },
        ...(method === 'POST' && { body: JSON.stringify(fields) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw new MlflowError(`${url} does not answer (${reasonOf(error)})`, { passing: true });
    }
    const answer = parsed(text);
    if (status >= 200 && status < 300 && answer !== undefined) return answer;
    const code = typeof answer?.error_code === 'string' ? answer.error_code : '';
    const said = typeof answer?.message === 'string' ? `, ${answer.message}` : '';
    const message = oneLine(`${url} answered ${path} with ${status} ${code}${said}`.trim()).slice(0, 300);
    // A proxy may answer with a page of its own and 200.
    const passing =
      status >= 500 || status === 408 || status === 429 || (status < 300 && answer === undefined);
    throw new MlflowError(message, { passing, code });
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = (error.cause ?? error) as { code?: string | number; message?: string };
  if (error.name === 'TimeoutError') return `not within ${requestMs / 1000} s`;
  return typeof code === 'string' ? code : (message ?? error.message);
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text === '' ? '{}' : text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
