import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Why there can be no server for tests here; undefined where there can. */
export function whyNoRedis(): string | undefined {
  const found = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return found.status === 0 ? undefined : 'redis-server is not installed here (apt-get install redis-server)';
}

/** A Redis server of a test's own, which keeps its data on disk as docs/queue.md says. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again with what is on its disk. @param host on which address it listens */
  start(): Promise<void>;
  /** Forgets all data. */
  flush(): Promise<void>;
  remove(): Promise<void>;
}

export async function startRedis(bind = '127.0.0.1'): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'blockforge-redis-'));
  const port = await freePort();
  let server: ChildProcess | undefined;
  const url = `redis://${bind}:${port}`;
  const ask = async <T>(question: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(url, { maxRetriesPerRequest: 100, retryStrategy: () => 50 });
    redis.on('error', () => undefined);
    try {
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  };
  const self: TestRedis = {
    url,
    port,
    async kill() {
      const ending = server;
      server = undefined;
      if (ending === undefined) return;
      const ended = new Promise((resolve) => ending.once('exit', resolve));
      ending.kill('SIGKILL');
      await ended;
    },
    async start() {
      const settings = { port, bind, dir: folder, appendonly: 'yes', appendfsync: 'everysec', save: '""' };
      const words = Object.entries({ ...settings, 'protected-mode': 'no' }).flatMap(([key, value]) => [
        `--${key}`,
        String(value),
      ]);
      server = spawn('redis-server', words, { stdio: 'ignore' });
      await ask((redis) => redis.ping());
    },
    flush: () => ask((redis) => redis.flushall()).then(() => undefined),
    async remove() {
      await self.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
