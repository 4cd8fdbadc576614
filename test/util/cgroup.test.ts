import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupLimits, usableCores, usableMemoryBytes } from '../../pipeline/util/cgroup.ts';

const two = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n';
const one =
  '33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n' +
  '35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n';

describe('limits of control groups', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'blockforge-cgroup-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const tree = (files: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };

  it('are the tightest on the way up, in version 2', () => {
    tree({
      'proc/self/cgroup': '0::/slurm/job_7/step_0\n',
      'proc/self/mountinfo': two,
      'sys/fs/cgroup/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/slurm/memory.max': '64000000000\n',
      'sys/fs/cgroup/slurm/job_7/memory.max': '8000000000\n',
      'sys/fs/cgroup/slurm/job_7/cpu.max': '250000 100000\n',
      'sys/fs/cgroup/slurm/job_7/step_0/memory.max': 'max\n',
      'sys/fs/cgroup/slurm/job_7/step_0/memory.high': 'max\n',
      'sys/fs/cgroup/slurm/job_7/step_0/cpu.max': 'max 100000\n',
    });
    assert.deepEqual(cgroupLimits(root), { memoryBytes: 8e9, cores: 2.5 });
    tree({ 'sys/fs/cgroup/slurm/job_7/step_0/memory.high': '6000000000\n' });
    assert.equal(cgroupLimits(root).memoryBytes, 6e9, 'beyond it everything is slowed down');
  });

  it('are found in a container, which sees its own group as the first', () => {
    tree({
      'proc/self/cgroup': '0::/\n',
      'proc/self/mountinfo': two,
      'sys/fs/cgroup/memory.max': '2000000000\n',
    });
    assert.deepEqual(cgroupLimits(root), { memoryBytes: 2e9, cores: Infinity });
    tree({ 'proc/self/cgroup': '0::/../../elsewhere\n' });
    assert.equal(cgroupLimits(root).memoryBytes, 2e9, 'and where it is in one that it does not see');
  });

  it('are those of each controller in version 1, beside an empty version 2', () => {
    tree({
      'proc/self/cgroup': '4:memory:/docker/abc/inner\n2:cpu,cpuacct:/docker/abc\n0::/\n',
      'proc/self/mountinfo': `${one}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`,
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '3000000000\n',
      'sys/fs/cgroup/memory/docker/abc/inner/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us': '50000\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us': '100000\n',
    });
    assert.deepEqual(cgroupLimits(root), { memoryBytes: 3e9, cores: 0.5 });
    assert.equal(usableCores(root), 1, 'half a processor is one slot');
  });

  it('are read where only a part of the tree is mounted', () => {
    tree({
      'proc/self/cgroup': '4:memory:/docker/abc/inner\n',
      'proc/self/mountinfo': '35 31 0:32 /docker/abc /a\\040place rw - cgroup cgroup rw,memory\n',
      'a place/memory.limit_in_bytes': '3000000000\n',
      'a place/inner/memory.limit_in_bytes': '1000000000\n',
    });
    assert.equal(cgroupLimits(root).memoryBytes, 1e9);
  });

  it('are none where the system has no such groups, and no more than the machine', () => {
    assert.deepEqual(cgroupLimits(root), { memoryBytes: Infinity, cores: Infinity });
    assert.ok(usableMemoryBytes() > 1e8 && usableMemoryBytes() <= totalmem());
    assert.ok(usableCores() >= 1);
  });
});
