import assert from 'node:assert/strict';
import type { Nvidia } from '../../scripts/setup/nvidia/look.js';
import { obstaclesOf, sentenceOf } from '../../scripts/setup/nvidia/obstacles.js';
import { readLog } from '../../scripts/setup/nvidia/read-log.js';

const card = { index: 0, name: 'NVIDIA L4', capability: '8.9', divided: false, slices: 0 };
const healthy: Nvidia = {
  state: 'found',
  cards: [card],
  driver: '550.54.15',
  words: undefined,
  forbidden: [],
  unifiedMemory: true,
  container: false,
  visible: undefined,
};
const withCapability = (capability: string): Nvidia => ({ ...healthy, cards: [{ ...card, capability }] });

describe('obstacles to CUDA', () => {
  it('are none on a healthy machine, nor where nothing is known', () => {
    assert.deepEqual(obstaclesOf(healthy), []);
    assert.deepEqual(obstaclesOf({ ...healthy, visible: '0,1' }), []);
    assert.deepEqual(
      obstaclesOf({ ...healthy, driver: undefined, cards: [{ ...card, capability: undefined }] }),
      [],
    );
    assert.deepEqual(obstaclesOf({ ...healthy, state: 'none', cards: [], driver: undefined }), []);
  });

  const none = { ...healthy, cards: [], driver: undefined };
  const broken = (words: string, container = false): Nvidia => ({
    ...none,
    state: 'broken',
    words,
    container,
  });
  const cases: readonly [string, Nvidia, weight: string, sentence: RegExp][] = [
    [
      'a card without a driver',
      { ...none, state: 'no-driver' },
      'certain',
      /no driver.*; install NVIDIA's newest/,
    ],
    [
      'a container without a GPU',
      { ...none, state: 'no-driver', container: true },
      'certain',
      /; start the container with --gpus all/,
    ],
    [
      'a driver without nvidia-smi',
      { ...healthy, state: 'no-tool', cards: [] },
      'certain',
      /no nvidia-smi; install/,
    ],
    [
      'a container without the tools',
      { ...healthy, state: 'no-tool', cards: [], container: true },
      'certain',
      /compute,utility/,
    ],
    [
      'a half updated driver',
      broken('Failed to initialize NVML: Driver/library version mismatch'),
      'certain',
      /updated.*; reboot/,
    ],
    [
      'a module that is not loaded',
      broken("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."),
      'certain',
      /; modprobe nvidia/,
    ],
    [
      'a library that is not there',
      broken("NVIDIA-SMI couldn't find libnvidia-ml.so library in your system."),
      'certain',
      /libnvidia-ml is not; install/,
    ],
    [
      'rights of NVML',
      broken('Failed to initialize NVML: Insufficient Permissions'),
      'certain',
      /may not use.*; usermod/,
    ],
    [
      'a container that lost its GPU',
      broken('Failed to initialize NVML: Unknown Error', true),
      'certain',
      /; restart the container/,
    ],
    ['a driver that sees nothing', broken('No devices were found'), 'certain', /sees no GPU; dmesg/],
    [
      'a failure nobody foresaw',
      broken('something new'),
      'certain',
      /nvidia-smi fails: something new; install/,
    ],
    [
      'forbidden device files',
      { ...healthy, forbidden: ['/dev/nvidia0'] },
      'certain',
      /may not open \/dev\/nvidia0; usermod/,
    ],
    [
      'an old driver',
      { ...healthy, driver: '470.256.02' },
      'certain',
      /470\.256\.02 is too old for CUDA 12\.5/,
    ],
    [
      'an old driver under a container',
      { ...healthy, driver: '470.1', container: true },
      'certain',
      /on the host: install/,
    ],
    ['a hidden card', { ...healthy, visible: '-1' }, 'certain', /hides every GPU; unset/],
    [
      'MIG without slices',
      { ...healthy, cards: [{ ...card, divided: true }] },
      'certain',
      /MIG mode.*; nvidia-smi mig -cgi 0 -C/,
    ],
    [
      'a card that is too old',
      withCapability('5.2'),
      'certain',
      /5\.2\) is older.*; npm run setup -- --webgpu/,
    ],
    [
      'a card that is too new',
      withCapability('12.0'),
      'likely',
      /no kernels for NVIDIA L4 \(compute capability 12\.0\).*--webgpu/,
    ],
    ['a driver that may not compile', withCapability('9.0'), 'possible', /550\.54\.15 may be too old/],
    [
      'a missing device file',
      { ...healthy, unifiedMemory: false },
      'possible',
      /nvidia-uvm is missing.*; nvidia-modprobe -u/,
    ],
  ];
  for (const [name, found, weight, sentence] of cases) {
    it(`name ${name} in one sentence with the remedy`, () => {
      const [first] = obstaclesOf(found);
      assert.ok(first);
      assert.equal(first.weight, weight);
      assert.match(sentenceOf(first), sentence);
    });
  }

  it('are not seen in a MIG mode with slices, in one good card of two, and in drivers and cards that are just new enough', () => {
    assert.deepEqual(obstaclesOf({ ...healthy, cards: [{ ...card, divided: true, slices: 2 }] }), []);
    assert.deepEqual(obstaclesOf({ ...healthy, cards: [{ ...card, capability: '5.2' }, card] }), []);
    assert.deepEqual(obstaclesOf({ ...healthy, driver: '525.60.13' }), []);
    assert.deepEqual(obstaclesOf(withCapability('6.0')), []);
    assert.deepEqual(obstaclesOf({ ...withCapability('9.0'), driver: '555.42.06' }), []);
  });
});

describe('what TensorFlow writes', () => {
  const cases: readonly [string, string, RegExp][] = [
    [
      'a driver that is not found',
      'E0000 00:00:1775013762.112517 12260 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)',
      /libcuda\.so\.1 .* not found/,
    ],
    [
      'no device',
      'failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected',
      /CUDA sees no GPU; .*CUDA_VISIBLE/,
    ],
    ['a missing kernel module', 'failed call to cuInit: CUDA_ERROR_UNKNOWN', /nvidia-modprobe -u/],
    [
      'an old compatibility library',
      'failed call to cuInit: CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE: forward compatibility was attempted on non supported HW',
      /cuda-compat .*LD_LIBRARY_PATH/,
    ],
    [
      'an error nobody foresaw',
      'failed call to cuInit: CUDA_ERROR_NEW: words',
      /CUDA does not start: CUDA_ERROR_NEW: words/,
    ],
    [
      'two versions of a driver',
      'cuda_diagnostics.cc:262] kernel version 550.120.0 does not match DSO version 560.35.5 -- cannot find working devices in this configuration',
      /loaded driver is 550\.120\.0, its libraries are 560\.35\.5; reboot/,
    ],
    [
      'an old card',
      'Ignoring visible gpu device (device: 0, name: GeForce GTX 670MX, pci bus id: 0000:01:00.0, compute capability: 3.0) with Cuda compute capability 3.0. The minimum required Cuda capability is 6.0.',
      /GeForce GTX 670MX has compute capability 3\.0, TensorFlow's kernels begin at 6\.0;/,
    ],
    [
      'a small card beside a large one',
      'Ignoring visible gpu device (device: 1, name: NVIDIA T400, pci bus id: 0000:02:00.0, compute capability: 7.5) with core count: 6. The minimum required count is 8. You can adjust this requirement with the env var TF_MIN_GPU_MULTIPROCESSOR_COUNT.',
      /NVIDIA T400 out .* TF_MIN_GPU_MULTIPROCESSOR_COUNT=6/,
    ],
    [
      'another cuDNN',
      'Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0.  CuDNN library needs to have matching major version',
      /\(9\.1\.0\) is found before .*\(9\.3\.0\); .*LD_LIBRARY_PATH/,
    ],
    [
      'a library that does not load',
      "dso_loader.cc:70] Could not load dynamic library 'libcusolver.so.11'; dlerror: libnvJitLink.so.12: cannot open shared object file: No such file or directory; LD_LIBRARY_PATH: /x\nCannot dlopen some GPU libraries. Skipping registering GPU devices...",
      /libcusolver\.so\.11 does not load \(libnvJitLink\.so\.12: cannot open .*\); npm run setup -- --cuda/,
    ],
    [
      'kernels that the driver refuses',
      "'cuModuleLoadData(&module, data)' failed with 'CUDA_ERROR_INVALID_PTX'",
      /no kernels that this GPU can run;/,
    ],
    [
      'a compiler that is too old',
      'the provided PTX was compiled with an unsupported toolchain',
      /too old to compile .*555/,
    ],
    [
      'a full GPU',
      'failed to allocate 1.0GiB from device: CUDA_ERROR_OUT_OF_MEMORY: out of memory',
      /memory is taken; nvidia-smi .*ALLOW_GROWTH/,
    ],
    [
      'a cuDNN that fails',
      'Could not create cudnn handle: CUDNN_STATUS_NOT_INITIALIZED',
      /cuDNN does not start \(CUDNN_STATUS_NOT_INITIALIZED\)/,
    ],
    [
      'a TensorFlow without CUDA',
      'Not built with GPU enabled. Skip GPU library dlopen check.',
      /built without CUDA/,
    ],
  ];
  for (const [name, log, sentence] of cases) {
    it(`is understood: ${name}`, () => {
      const told = readLog(`I0000 something before\n${log}\n`);
      assert.ok(told);
      assert.match(sentenceOf(told), sentence);
    });
  }

  it('is no reason where it names optional libraries or nothing at all', () => {
    assert.equal(readLog("Could not load dynamic library 'libcupti.so.12'; dlerror: x"), undefined);
    assert.equal(readLog(''), undefined);
  });
});
