import { isIP } from 'node:net';
import { fail } from '../util/failure.ts';

/** Where a device listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * `HOST:PORT`, an IPv6 address in brackets.
 * @param leastPort 0 where one may be picked
 * @throws BlockForgeError `usage`
 */
export function parseAddress(option: string, text: string, leastPort = 1): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  const isSound = bracketed === undefined || isIP(bracketed) === 6;
  if (host !== undefined && isSound && port >= leastPort && port <= 65_535) return { host, port };
  return fail({
    reason: 'usage',
    subject: `--${option} ${text}`,
    found: 'not an address',
    expected: 'HOST:PORT, e.g. 127.0.0.1:50051, or [::1]:50051',
  });
}

export function addressText({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only programs of this machine get there. */
export function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
