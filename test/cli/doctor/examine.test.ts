import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { adviceFor, examine, type DoctorReport } from '../../../pipeline/cli/doctor/examine.ts';
import { lookAtFunctions } from '../../../pipeline/cli/doctor/functions.ts';
import { renderReport } from '../../../pipeline/cli/doctor/command.ts';

const healthy: DoctorReport = {
  node: { version: '22.0.0', supported: true },
  engine: {
    name: 'tensorflow',
    version: 'TensorFlow 2.21.0',
    device: 'cpu',
    threads: 8,
    description: 'TensorFlow 2.21.0 on 8 CPU threads',
  },
  processes: 1,
  installed: {
    tensorflow: { version: '2.21.0', variant: 'cpu', folder: '/cache/tensorflow/lib' },
    wasm: { version: '4.22.0' },
    why: [],
  },
  processor: { model: 'Test CPU', threads: 8 },
  memory: { totalBytes: 32e9, freeBytes: 16e9 },
  disk: { folder: '/runs', freeBytes: 100e9 },
  gpus: [],
};
const gpu = { device: '0', name: 'NVIDIA Test' };
const withCuda = {
  ...healthy,
  gpus: [gpu],
  installed: { ...healthy.installed, tensorflow: { version: '2.21.0', variant: 'cuda', folder: '/c' } },
} as const;
const onWasm = (note: string): DoctorReport => ({
  ...healthy,
  engine: { name: 'wasm', version: 'x', device: 'cpu', threads: 1, description: 'x', note },
});

describe('doctor', () => {
  it('has nothing to say about a healthy machine', () => {
    assert.equal(adviceFor(healthy), undefined);
    assert.equal(adviceFor({ ...withCuda, engine: { ...healthy.engine, device: 'gpu' } }), undefined);
  });

  const cases: readonly [string, DoctorReport, why: RegExp, command: RegExp][] = [
    [
      'an old Node.js',
      { ...healthy, gpus: [gpu], node: { version: '18.1.0', supported: false } },
      /18\.1\.0/,
      /^nvm/,
    ],
    ['an idle GPU', { ...healthy, gpus: [gpu] }, /NVIDIA Test is not used/, /^npm run setup -- --cuda$/],
    [
      'CUDA libraries missing',
      { ...withCuda, cuda: { found: [], missing: ['libcudnn.so.9'] } },
      /not used: missing libcudnn\.so\.9/,
      /--cuda$/,
    ],
    [
      'an obstacle to CUDA, before anything slow',
      { ...withCuda, obstacle: { why: 'the driver is old', remedy: 'a new driver' } },
      /^the driver is old$/,
      /^a new driver$/,
    ],
    [
      'a GPU that the last set-up could not use',
      { ...healthy, gpus: [gpu], installed: { ...healthy.installed, why: ['pip could not download it'] } },
      /not used: pip could not download it/,
      /--cuda$/,
    ],
    [
      'wasm for want of a compiler',
      onWasm('no C++ compiler (g++)'),
      /no C\+\+ compiler/,
      /^(apt-get install g\+\+ && )?npm run setup/,
    ],
    ['wasm for want of Python', onWasm('no Python 3 on the PATH'), /no Python/, /npm run setup/],
    [
      'wasm by choice',
      onWasm('wasm was asked for'),
      /asked for; TensorFlow is several times faster/,
      /^npm run setup -- --cpu$/,
    ],
    [
      'a binding that takes no functions',
      {
        ...healthy,
        functions: { why: 'the compiled binding is of an older version', remedy: 'npm run setup' },
      },
      /operation by operation: the compiled binding is of an older version/,
      /^npm run setup$/,
    ],
    [
      'a full disk',
      { ...healthy, disk: { folder: '/runs', freeBytes: 1e9 } },
      /only 1\.00 GB .* \/runs/,
      /^du /,
    ],
  ];
  for (const [name, report, why, command] of cases) {
    it(`advises on ${name}`, () => {
      const advice = adviceFor(report);
      assert.match(advice?.why ?? '', why);
      assert.match(advice?.command ?? '', command);
    });
  }

  it('is silent about a GPU that only webgpu can use once webgpu is installed', () => {
    const obstacle = { why: 'no kernels', remedy: 'npm run setup -- --webgpu, then --engine webgpu' };
    const { installed } = healthy;
    const machine = { ...healthy, gpus: [gpu], obstacle };
    assert.equal(adviceFor(machine)?.command, obstacle.remedy);
    assert.equal(
      adviceFor({ ...machine, installed: { ...installed, webgpu: { version: '4.22.0' } } }),
      undefined,
    );
  });

  it('renders every finding', () => {
    const text = renderReport({
      ...withCuda,
      cuda: { found: ['libcuda.so.1'], missing: ['libcudnn.so.9'] },
      advice: { why: 'the reason', command: 'the command' },
    });
    assert.equal(
      text,
      [
        'engine      TensorFlow 2.21.0 on 8 CPU threads',
        'processes   1 side by side',
        'tensorflow  2.21.0 (cuda) in /c',
        'GPUs        0: NVIDIA Test',
        'CUDA        found libcuda.so.1',
        '            missing libcudnn.so.9',
        'processor   Test CPU, 8 threads',
        'memory      16.0 GB free of 32.0 GB',
        'disk        100 GB free at /runs',
        'Node.js     22.0.0',
        '',
        'To improve: the command',
        '  because the reason',
      ].join('\n'),
    );
  });

  it('tells in a line whether functions are in use, what they gain, and else why not', () => {
    const line = (functions: DoctorReport['functions']) =>
      renderReport({ ...healthy, functions })
        .split('\n')
        .find((text) => text.startsWith('functions'));
    assert.equal(
      line({ forward: 1.449, step: 2, difference: 3e-7 }),
      'functions   in use: a small forward pass 1.4x, a small distillation step 2.0x as fast, logits equal to 3e-7',
    );
    const off = { why: 'switched off by BLOCKFORGE_FUNCTIONS' };
    assert.equal(line(off), 'functions   not in use: switched off by BLOCKFORGE_FUNCTIONS');
    assert.equal(adviceFor({ ...healthy, functions: off }), undefined);
  });

  it('looks at functions where TensorFlow is, and leaves no tensor', async () => {
    const { functions, engine } = await examine();
    const before = tf.memory().numTensors;
    if (engine.name !== 'tensorflow') return assert.equal(functions, undefined);
    assert.ok(functions !== undefined && 'forward' in functions, JSON.stringify(functions));
    assert.ok(functions.forward > 0 && functions.step > 0 && functions.difference < 1e-5);
    process.env.BLOCKFORGE_FUNCTIONS = 'off';
    try {
      assert.deepEqual(lookAtFunctions(), { why: 'switched off by BLOCKFORGE_FUNCTIONS' });
    } finally {
      delete process.env.BLOCKFORGE_FUNCTIONS;
    }
    lookAtFunctions();
    assert.equal(tf.memory().numTensors, before);
  });

  it('examines this machine', async () => {
    const report = await examine();
    assert.equal(report.node.version, process.versions.node);
    assert.ok(report.memory.freeBytes > 0 && report.memory.freeBytes <= report.memory.totalBytes);
    assert.ok(report.disk.freeBytes > 0);
    assert.equal(report.engine.name, report.installed.tensorflow === undefined ? 'wasm' : 'tensorflow');
    assert.match(renderReport(report), /^engine {6}\S/);
  });
});
