import assert from 'node:assert/strict';
import { appendFile, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineSlots, installedEngines, resolveEngine, listGpus } from '../../pipeline/tensor/installed.ts';
import { makeRig, type Rig } from './setup-rig.ts';

/** Everything here is about Linux: elsewhere the set-up goes straight to the package's own download. */
(process.platform === 'linux' ? describe : describe.skip)('setup', () => {
  let rig: Rig;
  const arch = `${process.platform}-${process.arch}`;
  const ownBinding = () =>
    join(rig.toolFolder, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node');
  const why = () => installedEngines(rig.toolFolder).why.join('\n');

  beforeEach(async () => {
    rig = await makeRig();
  });
  afterEach(() => rig.remove());

  it('ends with TensorFlow out of the wheel', async () => {
    const { status, output } = await rig.setUp(['--auto']);
    assert.equal(status, 0, output);
    assert.match(output, /the engine is TensorFlow 2\.21\.0 \(cpu\)/);
    const folder = join(rig.cache, `tensorflow-2.21.0-cpu-${arch}`, 'lib');
    assert.deepEqual(installedEngines(rig.toolFolder).tensorflow, {
      version: '2.21.0',
      variant: 'cpu',
      folder,
    });
    assert.equal(await readFile(ownBinding(), 'utf8'), 'compiled');
    assert.match(await readlink(ownBinding()), new RegExp(`^${rig.cache}/binding-`));
    assert.deepEqual((await rig.cached()).length, 2, 'a TensorFlow and a binding, nothing half-made');
  });

  it('does nothing the second time, and takes all from the cache in a fresh checkout', async () => {
    await rig.setUp(['--auto']);
    await rig.takeCalls('python3');
    await rig.setUp(['--auto']);
    assert.deepEqual(await rig.takeCalls('npm'), []);

    await rm(join(rig.toolFolder, 'node_modules'), { recursive: true });
    for (const program of ['python3', 'g++']) await rig.without(program);
    const { output } = await rig.setUp(['--auto']);
    assert.match(output, /the engine is TensorFlow 2\.21\.0 \(cpu\)/);
  });

  it('compiles the binding anew when its sources have changed', async () => {
    await rig.setUp(['--auto']);
    const before = await readlink(ownBinding());
    await appendFile(join(rig.toolFolder, 'functions.cc'), '// more of it');
    const { status, output } = await rig.setUp(['--auto']);
    assert.equal(status, 0, output);
    assert.match(output, /compiling the binding/);
    const after = await readlink(ownBinding());
    assert.notEqual(after, before);
    assert.equal((await rig.stamp())?.binding, after);
    await rig.takeCalls('g++');
    await rig.setUp(['--auto']);
    assert.deepEqual(await rig.takeCalls('g++'), []);
  });

  const newSources: readonly [name: string, prepare: (rig: Rig) => Promise<void>, sentence: RegExp][] = [
    ['there is no compiler', (r) => r.without('g++'), /the older binding stays: no C\+\+ compiler/],
    [
      'the new one does not load',
      (r) => r.program('g++', `case "$*" in --version) ;; *) printf wrong > "$(after -o "$@")" ;; esac`),
      /the older binding stays: .*does not load/,
    ],
  ];
  for (const [name, prepare, sentence] of newSources) {
    it(`keeps the older binding, and says so, where ${name}`, async () => {
      await rig.setUp(['--auto']);
      const [link, stamp] = [await readlink(ownBinding()), await rig.stamp()];
      await appendFile(join(rig.toolFolder, 'functions.cc'), '// more of it');
      await prepare(rig);
      const { status, output } = await rig.setUp(['--auto']);
      assert.equal(status, 0, output);
      assert.match(output, sentence);
      assert.match(output, /the engine is TensorFlow 2\.21\.0/);
      assert.deepEqual([await readlink(ownBinding()), await rig.stamp()], [link, stamp]);
      assert.equal(await readFile(ownBinding(), 'utf8'), 'compiled');
    });
  }

  it('compiles with plain Node-API headers and a run path into the cache', async () => {
    await rig.setUp(['--cpu']);
    const calls = await rig.takeCalls('g++');
    const real = calls[1]!;
    const quiet = calls[2]!;
    assert.match(real, /-DNAPI_VERSION=8 -I \S+\/include -I \S+node-api-headers\/include /);
    assert.match(
      real,
      new RegExp(
        `-l:libtensorflow_cc\\.so\\.2 .*--disable-new-dtags,-rpath,${rig.cache}/tensorflow-2.21.0-cpu`,
      ),
    );
    assert.match(quiet, /quiet\.cc -ldl -o \S+\/tfjs_binding\.node$/);
  });

  const elseFail = (words: string) => `*) echo '${words}' >&2; exit 1 ;; esac`;
  const wrongCompiler = `case "$*" in --version) ;; *) printf wrong > "$(after -o "$@")" ;; esac`;
  const obstacles: readonly [name: string, prepare: (rig: Rig) => Promise<void>, sentence: RegExp][] = [
    ['no Python', (r) => r.without('python3'), /no Python 3 on the PATH/],
    [
      'no pip',
      (r) => r.program('python3', `case "$*" in -c*) echo 3 ;; ${elseFail('No module named pip')}`),
      /python3 is there, but no pip/,
    ],
    ['no compiler', (r) => r.without('g++'), /no C\+\+ compiler .* apt-get install g\+\+/],
    [
      'a failing pip',
      (r) =>
        r.program(
          'python3',
          `case "$*" in -c*) echo 3 ;; *--version) ;; ${elseFail('ERROR: the index is closed')}`,
        ),
      /pip could not download tensorflow-cpu: ERROR: the index is closed \(exit status 1\)/,
    ],
    [
      'a package index out of reach',
      (r) =>
        r.program(
          'python3',
          `case "$*" in -c*) echo 3 ;; *--version) ;; ${elseFail('[Errno -2] Name or service not known ERROR: No matching distribution found')}`,
        ),
      /pip could not download tensorflow-cpu: its package index cannot be reached from here; --libtensorflow DIR/,
    ],
    [
      'a failing compiler',
      (r) => r.program('g++', `case "$*" in --version) ;; ${elseFail('x.cc:1:1: error: none')}`),
      /could not compile the binding: x\.cc:1:1: error/,
    ],
    [
      'a library that does not load',
      (r) => r.program('g++', wrongCompiler),
      /does not load: .*undefined symbol/,
    ],
    [
      'a failing npm',
      (r) => r.program('npm', `echo 'npm error code E403' >&2; exit 1`),
      /npm could not install .*E403/,
    ],
  ];
  for (const [name, prepare, sentence] of obstacles) {
    it(`falls back to wasm with a reason: ${name}`, async () => {
      await prepare(rig);
      const automatic = await rig.setUp(['--auto']);
      assert.equal(automatic.status, 0);
      assert.match(automatic.output, sentence);
      assert.match(automatic.output, /the engine is wasm/);
      assert.match(why(), sentence);
      assert.equal(installedEngines(rig.toolFolder).tensorflow, undefined);
      assert.deepEqual(
        (await rig.cached()).filter((entry) => entry.includes('partial')),
        [],
      );
    });
  }

  it('does not miss in silence what was asked for by name', async () => {
    await rig.without('python3');
    const { status, output } = await rig.setUp(['--cpu']);
    assert.equal(status, 1);
    assert.match(output, /no Python 3 on the PATH/);
  });

  it('keeps a working engine when another one asked for cannot be had', async () => {
    await rig.setUp(['--cpu']);
    const before = await rig.stamp();
    const { status, output } = await rig.setUp(['--libtensorflow', '/nowhere']);
    assert.equal(status, 1);
    assert.match(output, /\/nowhere: no such folder/);
    await rig.program('g++', wrongCompiler);
    assert.equal(
      (await rig.setUp(['--libtensorflow', join(rig.cache, `tensorflow-2.21.0-cpu-${arch}`)])).status,
      1,
    );
    assert.deepEqual(await rig.stamp(), before);
    assert.equal(await readFile(ownBinding(), 'utf8'), 'compiled');
  });

  it('says so and goes on when BLOCKFORGE_LIBTENSORFLOW is wrong', async () => {
    const { status, output } = await rig.setUp(['--auto'], { BLOCKFORGE_LIBTENSORFLOW: '/nowhere' });
    assert.equal(status, 0);
    assert.match(output, /\/nowhere: no such folder/);
    assert.match(output, /the engine is TensorFlow 2\.21\.0/);
  });

  it('stays with wasm when it was asked for, until the set-up is called by hand', async () => {
    assert.equal((await rig.setUp(['--wasm'])).status, 0);
    await rig.setUp(['--auto']);
    assert.equal((await rig.stamp())?.engine, 'wasm');
    await rig.setUp([]);
    assert.equal((await rig.stamp())?.engine, 'tensorflow');
  });

  it('refuses options it does not know, and can be skipped', async () => {
    assert.equal((await rig.setUp(['--gpu'])).status, 2);
    assert.equal((await rig.setUp(['--cpu', 'extra'])).status, 2);
    await rig.setUp(['--auto'], { BLOCKFORGE_SETUP: 'skip' });
    assert.equal(await rig.stamp(), undefined);
  });

  it('takes CUDA where there is a GPU, and lays its libraries out for the loader', async function () {
    if (process.arch !== 'x64') this.skip();
    await rig.program(
      'nvidia-smi',
      `echo 'GPU 0: NVIDIA Test (UUID: GPU-11)'; echo 'GPU 1: NVIDIA Test (UUID: GPU-22)'`,
    );
    const { output } = await rig.setUp(['--auto'], { FAKE_GPU: 'works' });
    assert.match(output, /the engine is TensorFlow 2\.21\.0 \(cuda\)/);
    const calls = await rig.takeCalls('python3');
    assert.ok(
      calls.some((call) => / -m pip download --no-deps .* tensorflow==2\.21\.0$/.test(call)),
      calls.join('\n'),
    );
    assert.ok(
      calls.some((call) =>
        / -m pip install --target \S+ .* nvidia-cublas-cu12>=12 nvidia-cudnn-cu12<10$/.test(call),
      ),
    );
    const home = join(rig.cache, `tensorflow-2.21.0-cuda-${arch}`, 'nvidia', 'tensorflow');
    for (const way of ['lib', '../cudnn/lib', 'nvidia/cudnn/lib', 'lib/../../cudnn/lib']) {
      assert.equal(await readFile(join(home, way, 'libcudnn.so.9'), 'utf8'), 'cudnn', way);
    }
    assert.equal(await readFile(join(home, 'lib/libtensorflow_cc.so.2'), 'utf8'), 'libtensorflow_cc.so.2');
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`leaves nothing that looks complete when ended by ${signal}`, async () => {
      const pip = await readFile(join(rig.folder, 'bin', 'python3'), 'utf8');
      await rig.program('python3', `case "$*" in *download*) /bin/sleep 1 ;; -c*) echo 3 ;; esac`);
      const isDownloading = async () => (await rig.cached()).some((entry) => entry.includes('partial'));
      await rig.interrupt(signal, isDownloading);
      assert.equal(await rig.stamp(), undefined);
      const left = await rig.cached();
      assert.ok(
        left.every((entry) => entry.includes('partial')),
        left.join(),
      );
      if (signal === 'SIGTERM') assert.deepEqual(left, []);

      await writeFile(join(rig.folder, 'bin', 'python3'), pip);
      await rig.setUp(['--auto']);
      assert.equal((await rig.stamp())?.engine, 'tensorflow');
      assert.deepEqual(
        (await rig.cached()).filter((entry) => entry.includes('partial')),
        [],
      );
    });
  }

  it('counts the GPUs that CUDA would', async () => {
    await rig.program('nvidia-smi', `echo 'GPU 0: A (UUID: GPU-11)'; echo 'GPU 1: B (UUID: GPU-22)'`);
    const PATH = join(rig.folder, 'bin');
    assert.equal(listGpus({ PATH }).length, 2);
    for (const [setting, count] of [
      ['1', 1],
      ['', 0],
      ['-1', 0],
      ['1,7,0', 1],
      ['GPU-22,0', 2],
      ['NoDevFiles', 0],
    ] as const) {
      assert.equal(
        listGpus({ PATH, CUDA_VISIBLE_DEVICES: setting }).length,
        count,
        `CUDA_VISIBLE_DEVICES=${setting}`,
      );
    }
    const cuda = {
      tensorflow: { version: '1', variant: 'cuda', folder: '/' },
      wasm: { version: '1' },
      why: [],
    } as const;
    assert.deepEqual(
      engineSlots('tensorflow', cuda, { PATH, CUDA_VISIBLE_DEVICES: 'GPU-22,0' }).environment.map(
        (slot) => slot.CUDA_VISIBLE_DEVICES,
      ),
      ['GPU-22', '0'],
    );
    assert.equal(
      engineSlots('tensorflow', { ...cuda, tensorflow: { ...cuda.tensorflow, variant: 'cpu' } }, { PATH })
        .count,
      1,
    );
  });

  it('resolves a choice from the stamp alone', async () => {
    await rig.setUp(['--wasm']);
    const none = installedEngines(rig.toolFolder);
    assert.equal(resolveEngine('auto', none), 'wasm');
    assert.throws(
      () => resolveEngine('tensorflow', none),
      /not installed: wasm was asked for[^]*next: npm run setup/,
    );
    await rig.setUp(['--cpu']);
    assert.equal(resolveEngine('auto', installedEngines(rig.toolFolder)), 'tensorflow');
    await rm(rig.cache, { recursive: true });
    assert.match(why(), /is gone/);
  });
});
