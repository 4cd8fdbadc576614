import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '../../support/present.ts';

/** What is used of s3rver, which has no types: an S3 server over HTTP that keeps objects as files. */
interface S3rver {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
  readonly httpServer: Server;
}
const require = createRequire(import.meta.url);

export const bucket = 'files';

/** An S3 server in this process, and an environment in which clients find it. It knows one key: S3RVER, S3RVER. */
export class S3Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'blockforge-s3-'));
  /** Requests so far: `PUT files/a/b`. */
  requests: string[] = [];
  private server: S3rver | undefined;
  private port = 0;
  private before: Readonly<Record<string, string | undefined>> = {};

  /** On the port that it had before, where it was stopped in between. */
  async start(): Promise<void> {
    const Class = require('s3rver') as new (options: object) => S3rver;
    mkdirSync(join(this.folder, bucket), { recursive: true });
    this.server = new Class({
      ...{ address: '127.0.0.1', port: this.port, silent: true, directory: this.folder },
      configureBuckets: [{ name: bucket }],
    });
    this.port = (await this.server.run()).port;
    this.server.httpServer.on('request', ({ method, url }: IncomingMessage) => {
      this.requests.push(`${method} ${decodeURIComponent(present(url).split('?')[0]!.slice(1))}`);
    });
  }

  async stop(): Promise<void> {
    const stopping = this.server;
    this.server = undefined;
    if (stopping === undefined) return;
    stopping.httpServer.closeAllConnections();
    await stopping.close();
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${this.port}`,
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
      AWS_REGION: 'us-east-1',
    };
  }

  /** Until `leave`. @param changes e.g. a wrong key; an empty text for none */
  enter(changes: Readonly<Record<string, string>> = {}): void {
    for (const [name, value] of Object.entries({ ...this.environment, ...changes })) {
      if (!(name in this.before)) this.before = { ...this.before, [name]: process.env[name] };
      if (value === '') Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }

  leave(): void {
    for (const [name, value] of Object.entries(this.before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    this.before = {};
  }

  /** Where the bytes of an object lie. */
  fileOf(key: string): string {
    return join(this.folder, bucket, `${key}._S3rver_object`);
  }

  count(method: string, part = ''): number {
    return this.requests.filter((line) => line.startsWith(`${method} `) && line.includes(part)).length;
  }

  async dispose(): Promise<void> {
    this.leave();
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
