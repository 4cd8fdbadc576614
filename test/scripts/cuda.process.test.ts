import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrangeCuda } from '../../scripts/setup/cuda.js';
import { explainNoGpu } from '../../scripts/setup/nvidia/explain.js';
import { libraryObstacle, openLibraries } from '../../scripts/setup/nvidia/libraries.js';
import { lookForNvidia, type Nvidia } from '../../scripts/setup/nvidia/look.js';
import { makeRig, type Rig } from './setup-rig.ts';

/** Stand-ins for nvidia-smi, TensorFlow and NVIDIA's libraries: nothing here needs a GPU. */
(process.platform === 'linux' && process.arch === 'x64' ? describe : describe.skip)('CUDA', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await makeRig();
  });
  afterEach(() => rig.remove());

  /** A card as nvidia-smi describes it. */
  const withCard = (details = '550.54.15, 8.9, [N/A]', more = '') =>
    rig.program(
      'nvidia-smi',
      `case "$1" in -L) echo 'GPU 0: NVIDIA Test (UUID: GPU-11)'; ${more} ;; --query-gpu=index,driver_version,compute_cap*) echo '0, ${details}' ;; *) exit 2 ;; esac`,
    );
  const cudaWasTried = async (): Promise<boolean> =>
    (await rig.takeCalls('python3')).some((call) => call.endsWith(' tensorflow==2.21.0'));

  it('is refused with one sentence where nothing could make it work, before anything is downloaded', async () => {
    const cases = [
      [
        '470.256.02, 8.6, [N/A]',
        '',
        /driver 470\.256\.02 is too old for CUDA 12\.5, .* 525 or newer; .*install/,
      ],
      ['550.54.15, 5.2, [N/A]', '', /NVIDIA Test \(compute capability 5\.2\) is older .* --webgpu/],
      ['550.54.15, 9.0, Enabled', '', /NVIDIA Test is in MIG mode and not divided, .*; nvidia-smi mig -cgi/],
    ] as const;
    for (const [details, more, sentence] of cases) {
      await withCard(details, more);
      const { status, output } = await rig.setUp(['--cuda'], { FAKE_GPU: 'works' });
      assert.equal(status, 1);
      assert.match(output, sentence);
      assert.equal(output.trim().split('\n').length, 1, output);
    }
    assert.equal(await cudaWasTried(), false);
    await withCard();
    const hidden = await rig.setUp(['--cuda'], { FAKE_GPU: 'works', CUDA_VISIBLE_DEVICES: '' });
    assert.match(hidden.output, /CUDA_VISIBLE_DEVICES="" hides every GPU; unset CUDA_VISIBLE_DEVICES/);
  });

  it('gives way to the processor with the reason where the set-up chooses by itself', async () => {
    await withCard('470.256.02, 8.6, [N/A]');
    const { status, output } = await rig.setUp(['--auto'], { FAKE_GPU: 'works' });
    assert.equal(status, 0);
    assert.match(output, /driver 470\.256\.02 is too old[^]*the engine is TensorFlow 2\.21\.0 \(cpu\)/);
    assert.equal(await cudaWasTried(), false);
  });

  it('is not tried by itself on a card that the driver is reported to refuse kernels for, but when asked for', async () => {
    await withCard('580.95.05, 12.0, [N/A]');
    const automatic = await rig.setUp(['--auto'], { FAKE_GPU: 'works' });
    assert.match(automatic.output, /no kernels for NVIDIA Test \(compute capability 12\.0\)[^]*\(cpu\)/);
    const asked = await rig.setUp(['--cuda'], { FAKE_GPU: 'works' });
    assert.match(asked.output, /the engine is TensorFlow 2\.21\.0 \(cuda\)/);
  });

  it('is not accepted while TensorFlow leaves the GPU unused: its own words say why', async () => {
    await withCard();
    await rig.setUp(['--cpu']);
    const before = await rig.stamp();
    const { status, output } = await rig.setUp(['--cuda'], {
      FAKE_LOG:
        'E0000 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (802)',
    });
    assert.equal(status, 1);
    assert.match(
      output,
      /does not use NVIDIA Test: the GPUs' connections are not up; systemctl start nvidia-fabric/,
    );
    assert.deepEqual(await rig.stamp(), before, 'the engine of before is back');

    const fails = await rig.setUp(['--auto'], { FAKE_GPU: 'fails' });
    assert.deepEqual(await rig.stamp(), before, 'what was asked for stays');
    assert.equal(fails.status, 0);
  });

  it('names the libraries that do not load where TensorFlow says nothing', async () => {
    await withCard();
    const { output } = await rig.setUp(['--cuda']);
    // The stand-ins for NVIDIA's libraries are text.
    assert.match(
      output,
      /does not use NVIDIA Test: .*libcuda\.so\.1 of NVIDIA's driver is not found; install/,
    );
  });

  it('can be set up where there is no GPU yet, as when an image is built', async () => {
    const { status, output } = await rig.setUp(['--cuda']);
    assert.equal(status, 0);
    assert.match(output, /no NVIDIA GPU here now[^]*the engine is TensorFlow 2\.21\.0 \(cuda\)/);
  });
});

(process.platform === 'linux' ? describe : describe.skip)('what there is of NVIDIA’s', () => {
  let root: string;
  let environment: NodeJS.ProcessEnv;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'blockforge-nvidia-'));
    for (const folder of ['bin', 'dev', 'sys/bus/pci/devices/0', 'proc/driver/nvidia'])
      await mkdir(join(root, folder), { recursive: true });
    environment = { PATH: join(root, 'bin') };
  });
  afterEach(() => rm(root, { recursive: true }));

  const tool = (body: string) =>
    writeFile(join(root, 'bin', 'nvidia-smi'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const card = async () => {
    await writeFile(join(root, 'sys/bus/pci/devices/0/vendor'), '0x10de\n');
    await writeFile(join(root, 'sys/bus/pci/devices/0/class'), '0x030200\n');
  };

  it('is nothing on a machine without', async () => {
    assert.equal((await lookForNvidia(environment, root)).state, 'none');
  });

  it('is a card without a driver, in a container or not', async () => {
    await card();
    assert.equal((await lookForNvidia(environment, root)).state, 'no-driver');
    assert.equal((await lookForNvidia(environment, root)).container, false);
    await writeFile(join(root, '.dockerenv'), '');
    assert.equal((await lookForNvidia(environment, root)).container, true);
  });

  it('is a driver without its tool', async () => {
    await writeFile(
      join(root, 'proc/driver/nvidia/version'),
      'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n',
    );
    const { state, driver } = await lookForNvidia(environment, root);
    assert.deepEqual([state, driver], ['no-tool', '550.54.15']);
  });

  it('is a tool that fails, with its words', async () => {
    await tool(`echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18`);
    const { state, words } = await lookForNvidia(environment, root);
    assert.deepEqual(
      [state, words],
      ['broken', 'Failed to initialize NVML: Driver/library version mismatch'],
    );
    await tool(`echo 'No devices found.'`);
    assert.equal((await lookForNvidia(environment, root)).state, 'broken');
  });

  it('is cards with capability and slices, also from a driver that knows fewer answers', async () => {
    const slices = `echo 'GPU 0: NVIDIA A100 (UUID: GPU-1)'; echo '  MIG 3g.20gb     Device  0: (UUID: MIG-2)'`;
    await tool(`case "$1" in -L) ${slices} ;; *compute_cap*) echo '0, 550.54.15, 8.0, Enabled' ;; esac`);
    const { cards, driver, state } = await lookForNvidia(environment, root);
    assert.deepEqual(cards, [{ index: 0, name: 'NVIDIA A100', capability: '8.0', divided: true, slices: 1 }]);
    assert.deepEqual([state, driver], ['found', '550.54.15']);

    const refusal = `*compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2`;
    await tool(`case "$1" in -L) ${slices} ;; ${refusal} ;; *) echo '0, 418.39' ;; esac`);
    const old = await lookForNvidia(environment, root);
    assert.deepEqual([old.driver, old.cards[0]?.capability], ['418.39', undefined]);
  });

  it('is device files that this user may not open, and one that is missing', async function () {
    if (process.getuid?.() === 0) {
      // Root may open every file; a link into nowhere nobody may.
      await symlink('/nowhere/at/all', join(root, 'dev/nvidia0'));
    } else await writeFile(join(root, 'dev/nvidia0'), '', { mode: 0o000 });
    await writeFile(join(root, 'dev/nvidiactl'), '');
    const { forbidden, unifiedMemory } = await lookForNvidia(environment, root);
    assert.deepEqual([forbidden, unifiedMemory], [[join(root, 'dev/nvidia0')], false]);
    await writeFile(join(root, 'dev/nvidia1'), '');
    assert.deepEqual((await lookForNvidia(environment, root)).forbidden, [], 'one of two cards is enough');
  });
});

(process.platform === 'linux' ? describe : describe.skip)('shared libraries', () => {
  const compiler = ['g++', 'c++', 'clang++'].find((name) => spawnSync(name, ['--version']).status === 0);
  let folder: string;
  beforeEach(async function () {
    if (compiler === undefined) this.skip();
    folder = await mkdtemp(join(tmpdir(), 'blockforge-libraries-'));
  });
  afterEach(async () => {
    if (compiler !== undefined) await rm(folder, { recursive: true });
  });

  const compile = async (file: string, source: string, options: readonly string[] = []): Promise<void> => {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(join(folder, 'source.cc'), source);
    const parameters = ['-shared', '-fPIC', join(folder, 'source.cc'), '-o', file, ...options];
    const { status, stderr } = spawnSync(compiler ?? '', parameters, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };

  it('are opened, not only looked for: what one needs in turn may be missing, or there in another version', async () => {
    const needed = join(folder, 'elsewhere', 'libneeded.so.12');
    await compile(needed, 'extern "C" int needed() { return 1; }', ['-Wl,-soname,libneeded.so.12']);
    await compile(join(folder, 'libwhole.so.1'), 'extern "C" int whole() { return 1; }');
    await compile(
      join(folder, 'libhalf.so.1'),
      'extern "C" int needed(); extern "C" int half() { return needed(); }',
      [needed],
    );
    await writeFile(join(folder, 'libcudnn.so.8'), '');
    const names = ['libwhole.so.1', 'libhalf.so.1', 'libcudnn.so.9'];
    const opened = await openLibraries(names, folder, process.env);
    assert.deepEqual(opened.found, ['libwhole.so.1']);
    const [half, cudnn] = opened.missing;
    assert.match(half?.why ?? '', /libneeded\.so\.12: cannot open shared object file/);
    assert.deepEqual(cudnn, { name: 'libcudnn.so.9', why: 'only libcudnn.so.8' });
    assert.equal(libraryObstacle({ found: [], missing: [] }), undefined);
    assert.match(libraryObstacle(opened)?.why ?? '', /libhalf\.so\.1, libcudnn\.so\.9/);
  });

  it('explain the missing GPU where neither nvidia-smi nor TensorFlow does', async () => {
    const nvidia: Nvidia = {
      state: 'found',
      cards: [{ index: 0, name: 'NVIDIA Test', capability: '8.9', divided: false, slices: 0 }],
      ...{ driver: '550.54.15', words: undefined, visible: undefined },
      ...{ forbidden: [], unifiedMemory: true, container: false },
    };
    await compile(join(folder, 'libcuda.so.1'), 'extern "C" int cuInit() { return 0; }');
    const told = await explainNoGpu({ nvidia, log: '', folder, environment: process.env });
    assert.match(told.why, /CUDA libraries do not load: libcudart\.so\.12, .*libcudnn_graph\.so\.9/);
    assert.equal(told.remedy, 'npm run setup -- --cuda');
  });

  it('are found by bare name from the binding, the way TensorFlow opens them, without any environment variable', async () => {
    // As pip lays them out, then as the set-up arranges them.
    const from = join(folder, 'staging', 'nvidia');
    await compile(join(from, 'cublas', 'lib', 'libcublas.so.12'), 'extern "C" int one() { return 1; }');
    const cudnn = 'extern "C" int one(); extern "C" int two() { return one(); }';
    await compile(join(from, 'cudnn', 'lib', 'libcudnn.so.9'), cudnn, [
      '-L' + join(from, 'cublas', 'lib'),
      '-l:libcublas.so.12',
      '-Wl,-rpath,$ORIGIN/../../cublas/lib',
    ]);
    await arrangeCuda(folder, from);
    const home = join(folder, 'nvidia', 'tensorflow', 'lib');
    const opening = `#include <dlfcn.h>
      #include <initializer_list>
      extern "C" const char* open_late() {
        for (const char* name : {"libcudnn.so.9", "libcublas.so.12"})
          if (dlopen(name, RTLD_NOW) == nullptr) return dlerror();
        return "opened";
      }`;
    const binding =
      'extern "C" const char* open_late(); extern "C" const char* start() { return open_late(); }';
    // With a run path of its own, as libtensorflow_cc has, and without, as libtensorflow_framework.
    for (const [name, runPath] of [
      ['cc', ['-Wl,--enable-new-dtags,-rpath,$ORIGIN']],
      ['framework', []],
    ] as const) {
      const library = `libtensorflow_${name}.so.2`;
      await compile(join(home, library), opening, [`-Wl,-soname,${library}`, ...runPath, '-ldl']);
      const place = join(folder, name, 'tfjs_binding_real.so');
      // The flags of scripts/setup/binding.js.
      await compile(place, binding, [
        ...['-L', home, `-l:${library}`],
        `-Wl,--disable-new-dtags,-rpath,${home}`,
      ]);
      const program = join(folder, `${name}.out`);
      await writeFile(
        join(folder, 'program.cc'),
        `#include <dlfcn.h>
         #include <cstdio>
         int main() {
           void* binding = dlopen("${place}", RTLD_LAZY | RTLD_LOCAL);
           if (binding == nullptr) { puts(dlerror()); return 1; }
           puts(reinterpret_cast<const char* (*)()>(dlsym(binding, "start"))());
         }`,
      );
      const made = spawnSync(compiler ?? '', [join(folder, 'program.cc'), '-o', program, '-ldl'], {
        encoding: 'utf8',
      });
      assert.equal(made.status, 0, made.stderr);
      const { stdout } = spawnSync(program, { encoding: 'utf8', env: {} });
      assert.equal(stdout.trim(), 'opened', name);
    }
    assert.match(
      await readFile('scripts/setup/binding.js', 'utf8'),
      /--disable-new-dtags,-rpath,\$\{libraryFolder\}/,
    );
  });
});
