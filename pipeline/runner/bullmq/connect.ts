import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../util/failure.ts';
import { withoutPassword } from '../../util/without-password.ts';

export interface ConnectOptions {
  /** `redis://[user:password@]host[:port][/database]`; `rediss://` for TLS, `valkey://` for Valkey. */
  readonly queue: string;
  /** Takes a sentence: the server is gone, or there again. */
  readonly note: (text: string) => void;
  /** How long the server may take to answer at the start. Default 5 s. */
  readonly patienceMs?: number | undefined;
}

export interface QueueConnection {
  readonly redis: Redis;
  /** The server, as it may be shown. */
  readonly shown: string;
  readonly close: () => void;
}

const protocols: Readonly<Record<string, string>> = {
  'redis:': 'redis:',
  'valkey:': 'redis:',
  'rediss:': 'rediss:',
  'valkeys:': 'rediss:',
};
const beatMs = 5000;
const silenceMs = 15_000;

/**
 * A connection that outlives its server: commands wait until it is there again, and are sent again where no answer came.
 * @throws BlockForgeError `place-unusable` where there is no server at the start, or not for us; `config-invalid` for no URL
 */
export async function connectQueue(options: ConnectOptions): Promise<QueueConnection> {
  const { queue, note, patienceMs = 5000 } = options;
  const shown = withoutPassword(queue);
  const redis = new Redis(urlOf(queue, shown), {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: 10_000,
    keepAlive: 10_000,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  });
  let trouble = 'no answer';
  redis.on(
    'error',
    (error: Error) => (trouble = error.message || String((error as NodeJS.ErrnoException).code)),
  );
  try {
    redis.connect().catch(() => undefined); // It goes on trying by itself.
    await answer(redis, patienceMs, () => trouble);
  } catch (error) {
    redis.disconnect();
    return fail(
      {
        reason: 'place-unusable',
        subject: shown,
        found: `no queue there: ${withoutPassword((error as Error).message)}`,
        expected: 'a Redis or Valkey server that answers',
        next: 'start it, or name another one (executor.queue, --queue, BLOCKFORGE_QUEUE)',
      },
      error,
    );
  }
  let gone = false;
  redis.on('close', () => {
    if (!gone) note(`${shown} is gone: ${withoutPassword(trouble)}; waiting for it`);
    gone = true;
  });
  redis.on('ready', () => {
    if (gone) note(`${shown} is back`);
    gone = false;
  });
  const timer = watchSilence(redis);
  return {
    redis,
    shown,
    close() {
      clearInterval(timer);
      gone = true;
      redis.disconnect();
    },
  };
}

function urlOf(queue: string, shown: string): string {
  const url = URL.canParse(queue) ? new URL(queue) : undefined;
  const protocol = url && protocols[url.protocol];
  if (protocol === undefined) {
    return fail({
      reason: 'config-invalid',
      // Without a scheme it is not seen where a password ends.
      subject: queue.includes('://') ? shown : queue.replace(/^.*@/s, '***@'),
      found: 'not the address of a queue',
      expected: 'redis://[user:password@]host[:port][/database], or rediss:// for TLS',
    });
  }
  return queue.replace(/^[a-z]+:/i, protocol);
}

const refusal = /WRONGPASS|NOAUTH|NOPERM|invalid password|DB index/i;

/** Refusals (a wrong password, no such database) are said at once, absence when patience is over. */
async function answer(redis: Redis, patienceMs: number, trouble: () => string): Promise<void> {
  const end = Date.now() + patienceMs;
  const pong = redis.ping();
  pong.catch(() => undefined);
  for (;;) {
    const answered = await Promise.race([pong.then(() => true), sleep(50, false)]);
    // A server without the database answers all the same, out of another one.
    if (refusal.test(trouble()) || (!answered && Date.now() > end)) throw new Error(trouble());
    if (answered) return;
  }
}

/** Behind a link that was cut a connection may look alive for a quarter of an hour: one that does not answer is made anew. */
function watchSilence(redis: Redis): NodeJS.Timeout {
  let heard = Date.now();
  let asking = false;
  return setInterval(() => {
    if (redis.status !== 'ready') {
      heard = Date.now();
      return;
    }
    if (asking && Date.now() - heard > silenceMs) {
      asking = false;
      heard = Date.now();
      redis.disconnect(true);
      return;
    }
    if (asking) return;
    asking = true;
    const begun = Date.now();
    redis.ping().then(
      () => {
        heard = Math.max(heard, begun);
        asking = false;
      },
      () => (asking = false),
    );
    heard = begun;
  }, beatMs).unref();
}
