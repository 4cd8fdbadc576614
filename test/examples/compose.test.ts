import assert from 'node:assert/strict';
import { readYaml } from './files.ts';

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly deploy?: { readonly replicas?: number };
  readonly restart?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** Of the Compose specification, what our files use: no npm package has its schema. */
const keys: readonly string[] = [
  'cap_drop',
  'command',
  'depends_on',
  'deploy',
  'environment',
  'healthcheck',
  'image',
  'init',
  'read_only',
  'restart',
  'security_opt',
  'stop_grace_period',
  'tmpfs',
  'volumes',
];

describe('the compose example', () => {
  const [compose] = readYaml('compose/compose.yaml') as [Compose];
  const [gpu] = readYaml('compose/compose.gpu.yaml') as [Compose];
  const services = Object.entries(compose.services);

  it('is a controller, three workers and a queue that keeps what it holds', () => {
    assert.deepEqual(Object.keys(compose.services), ['redis', 'worker', 'controller']);
    assert.equal(compose.services.worker?.deploy?.replicas, 3);
    const redis = compose.services.redis?.command?.join(' ') ?? '';
    assert.match(redis, /--appendonly yes/);
    assert.match(redis, /--maxmemory-policy noeviction/);
  });

  it('has no key that a service does not know, and an image for each', () => {
    for (const [name, service] of [...services, ...Object.entries(gpu.services)]) {
      assert.deepEqual(
        Object.keys(service).filter((key) => !keys.includes(key)),
        [],
        name,
      );
      assert.ok(service.image, name);
    }
    for (const name of Object.keys(gpu.services)) assert.ok(compose.services[name], name);
  });

  it('names volumes, services and their health that are there', () => {
    for (const [name, { volumes = [], depends_on = {} }] of services) {
      for (const volume of volumes) {
        const source = volume.replace(/^\$\{\w+:-([^}]*)\}/, '$1').split(':')[0] ?? '';
        assert.ok(Object.hasOwn(compose.volumes ?? {}, source), `${name}: ${volume}`);
      }
      for (const [other, { condition }] of Object.entries(depends_on)) {
        assert.ok(compose.services[other], `${name}: ${other}`);
        if (condition === 'service_healthy') assert.ok(compose.services[other].healthcheck, other);
      }
    }
  });

  it('tells controller and workers of the queue by their environment, which a host may set', () => {
    for (const name of ['worker', 'controller'])
      assert.equal(
        compose.services[name]?.environment?.BLOCKFORGE_QUEUE,
        '${BLOCKFORGE_QUEUE:-redis://redis:6379}',
      );
  });
});
