import { spawnSync } from 'node:child_process';

/** A network namespace: a host of its own to everything that goes over the net, on the same disk. */
export interface TestHost {
  /** Words before a command that run it there. */
  readonly inside: readonly string[];
  /** As if its cable was pulled: what is sent either way is lost, and no connection hears of it. */
  cut(): void;
  mend(): void;
}

export interface TestHosts {
  readonly hosts: readonly TestHost[];
  /** Of this process's own host, as the others reach it. */
  readonly address: string;
  remove(): void;
}

/** Why there can be no hosts of a test's own here; undefined where there can. */
export function whyNoHosts(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (spawnSync('ip', ['-V']).status !== 0) return 'ip is not installed here (apt-get install iproute2)';
  try {
    openHosts(1).remove();
    return undefined;
  } catch (error) {
    return `network namespaces are not permitted here (${(error as Error).message})`;
  }
}

/**
 * Hosts at one switch, this process's own among them.
 * @throws Error where the system does not permit it
 */
export function openHosts(count: number): TestHosts {
  const { pid } = process;
  // 198.18.0.0/15 is set aside for tests of networks; eight addresses of it for each process.
  const address = (index: number): string =>
    `198.18.${pid % 256}.${8 * (Math.floor(pid / 256) % 32) + 1 + index}`;
  const bridge = `bf${pid}`;
  const names = Array.from({ length: count }, (_, index) => `bf${pid}-${index}`);
  const remove = (): void => {
    process.off('exit', remove);
    for (const name of names) {
      spawnSync('ip', ['link', 'delete', name]);
      spawnSync('ip', ['netns', 'delete', name]);
    }
    spawnSync('ip', ['link', 'delete', bridge]);
  };
  process.on('exit', remove);
  try {
    ip(`link add ${bridge} type bridge`);
    ip(`address add ${address(0)}/29 dev ${bridge}`);
    ip(`link set ${bridge} up`);
    for (const [index, name] of names.entries()) {
      ip(`netns add ${name}`);
      ip(`link add ${name} type veth peer name eth0 netns ${name}`);
      ip(`link set ${name} master ${bridge} up`);
      ip(`-n ${name} address add ${address(index + 1)}/29 dev eth0`);
      ip(`-n ${name} link set eth0 up`);
      ip(`-n ${name} link set lo up`);
    }
  } catch (error) {
    remove();
    throw error;
  }
  const hosts = names.map((name) => ({
    inside: ['ip', 'netns', 'exec', name],
    cut: () => ip(`link set ${name} down`),
    mend: () => ip(`link set ${name} up`),
  }));
  return { hosts, address: address(0), remove };
}

function ip(words: string): void {
  const { status, stderr, error } = spawnSync('ip', words.split(' '), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words}: ${error?.message ?? stderr.trim()}`);
}
