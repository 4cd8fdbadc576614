import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import sharp from 'sharp';
import { addressText } from '../../pipeline/serving/address.ts';
import { deviceProtocol, healthProtocol, type HealthReply } from '../../pipeline/serving/protocol.ts';
import { defaultLimits } from '../../pipeline/serving/serving-limits.ts';
import { withToken } from '../../pipeline/serving/token.ts';
import { present } from '../support/present.ts';
import { pixels, startRig, until, type Rig } from './rig.ts';

const { Extract } = deviceProtocol;

describe('a device that serves', () => {
  let rig: Rig;
  const clients: Client[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await rig.close();
  });

  /** One request as any program of others would send it. */
  function ask(
    request: object,
    { deadlineMs = 10_000, token }: { deadlineMs?: number; token?: string } = {},
  ) {
    const client = new Client(addressText(rig.address(0)), credentials.createInsecure());
    clients.push(client);
    return new Promise<object>((resolve, reject) => {
      client.makeUnaryRequest(
        Extract.path,
        Extract.requestSerialize,
        Extract.responseDeserialize,
        request,
        withToken(token),
        { deadline: Date.now() + deadlineMs },
        (error, reply) => (error === null ? resolve(present(reply)) : reject(error)),
      );
    });
  }

  const refusedWith = (code: status, words: RegExp) => (error: ServiceError) => {
    assert.equal(status[error.code], status[code], error.details);
    assert.match(error.details, words);
    return true;
  };

  it('takes a file as it is, prepared as its models were measured', async () => {
    rig = await startRig(1);
    const encoded = await sharp(pixels, { raw: { width: 6, height: 4, channels: 1 } })
      .png()
      .toBuffer();
    await ask({ encoded });
    assert.deepEqual(
      rig.behaviours[0]!.image,
      Float32Array.from(pixels, (value) => value / 255),
    );
  });

  it('refuses messages and pictures beyond its bounds, and goes on', async () => {
    rig = await startRig(1, { limits: { ...defaultLimits, maxMessageBytes: 2000, maxPixels: 1000 } });
    await assert.rejects(
      ask({ pixels: new Uint8Array(3000) }),
      refusedWith(status.RESOURCE_EXHAUSTED, /larger/i),
    );
    const large = { width: 40, height: 30, channels: 3 as const, background: { r: 1, g: 2, b: 3 } };
    const encoded = await sharp({ create: large }).png().toBuffer();
    await assert.rejects(ask({ encoded }), refusedWith(status.INVALID_ARGUMENT, /40x30 pixels, more than/));
    await assert.rejects(ask({}), refusedWith(status.INVALID_ARGUMENT, /without an image/));
    await ask({ pixels });
    assert.equal(rig.behaviours[0]!.computed, 1);
  });

  it('lets so many wait and no more', async () => {
    rig = await startRig(1, { limits: { ...defaultLimits, maxRunning: 1, maxWaiting: 1 } });
    rig.behaviours[0]!.delayMs = 500;
    const results = await Promise.allSettled([ask({ pixels }), ask({ pixels }), ask({ pixels })]);
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as ServiceError] : [],
    );
    assert.equal(refused.length, 1);
    assert.ok(refusedWith(status.RESOURCE_EXHAUSTED, /busy: 1 images wait already/)(refused[0]!));
  });

  it('does not begin what nobody waits for any more', async () => {
    rig = await startRig(1, { limits: { ...defaultLimits, maxRunning: 1 } });
    rig.behaviours[0]!.delayMs = 600;
    const first = ask({ pixels });
    await until(() => rig.behaviours[0]!.computed === 1);
    await assert.rejects(ask({ pixels }, { deadlineMs: 100 }), refusedWith(status.DEADLINE_EXCEEDED, /./));
    await first;
    await ask({ pixels });
    assert.equal(rig.behaviours[0]!.computed, 2);
  });

  it('answers those who know the token', async () => {
    const token = 'a token of some length';
    rig = await startRig(1, { token });
    await assert.rejects(ask({ pixels }), refusedWith(status.UNAUTHENTICATED, /a token is needed/));
    await assert.rejects(
      ask({ pixels }, { token: 'another one' }),
      refusedWith(status.UNAUTHENTICATED, /the token is another one/),
    );
    await ask({ pixels }, { token });
    await assert.rejects(rig.fleet(), /d0 at .*: a token is needed/);
    assert.deepEqual((await (await rig.fleet({ token })).predict({ pixels }, 'image')).missing, []);
    assert.equal(rig.behaviours[0]!.computed, 2);
  });

  it('tells its health to whoever asks', async () => {
    rig = await startRig(1, { token: 'a token of some length' });
    const client = new Client(addressText(rig.address(0)), credentials.createInsecure());
    clients.push(client);
    const check = (service: string) =>
      new Promise<HealthReply>((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = healthProtocol.Check;
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, reply) =>
          error === null ? resolve(present(reply)) : reject(error),
        );
      });
    assert.deepEqual(await check(''), { status: 'SERVING' });
    assert.deepEqual(await check('blockforge.serving.v1.Device'), { status: 'SERVING' });
    await assert.rejects(check('other'), refusedWith(status.NOT_FOUND, /no such service/));
    const { path, requestSerialize, responseDeserialize } = healthProtocol.Watch;
    const seen: string[] = [];
    client
      .makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' })
      .on('data', (reply: HealthReply) => seen.push(reply.status))
      .on('error', () => undefined);
    await until(() => seen.length === 1);
    await rig.stop(0);
    await until(() => seen.length === 2);
    assert.deepEqual(seen, ['SERVING', 'NOT_SERVING']);
  });

  it('answers what it has taken before it ends', async () => {
    rig = await startRig(1);
    rig.behaviours[0]!.delayMs = 300;
    const asked = ask({ pixels });
    await until(() => rig.behaviours[0]!.computed === 1);
    await rig.servers[0]?.drain(5000);
    await asked;
  });

  it('says so where the port is taken', async () => {
    rig = await startRig(1);
    const { port } = rig.address(0);
    await assert.rejects(
      startRig(1, { listen: { host: '127.0.0.1', port } }),
      new RegExp(`--listen 127\\.0\\.0\\.1:${port}: .*(EADDRINUSE|bound)`),
    );
  });

  it('serves over TLS, to those who trust its certificate', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-tls-'));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    try {
      const made =
        '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost';
      const other = join(folder, 'other-key.pem');
      const named = ['-addext', 'subjectAltName=IP:127.0.0.1'];
      const make = (to: string, of: string) =>
        execFileSync('openssl', ['req', ...made.split(' '), ...named, '-keyout', of, '-out', to], {
          stdio: 'ignore',
        });
      try {
        make(join(folder, 'other.pem'), other);
        make(cert, key);
      } catch {
        this.skip();
      }
      const tls = { cert: readFileSync(cert), key: readFileSync(key) };
      rig = await startRig(1, { tls });
      const fleet = await rig.fleet({ ca: tls.cert });
      assert.deepEqual((await fleet.predict({ pixels }, 'image')).missing, []);
      await assert.rejects(rig.fleet({ connectMs: 1000 }), /d0 at/);
      await assert.rejects(
        startRig(1, { tls: { ...tls, key: readFileSync(other) } }),
        /^BlockForgeError: --tls-cert, --tls-key: /,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
