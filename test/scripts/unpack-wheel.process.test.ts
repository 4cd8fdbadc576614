import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'setup', 'unpack_wheel.py');

/** Makes a small wheel with Python itself: file names and contents come in as JSON. */
const makeWheel = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as wheel:
    for name, text in json.loads(sys.argv[2]).items():
        wheel.writestr(name, text)
`;

describe('unpack_wheel.py', () => {
  let folder: string;

  before(function () {
    if (spawnSync('python3', ['-c', 'import zipfile']).status === 0) return;
    console.log('    skipped: there is no python3 here');
    this.skip();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-wheel-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const files = {
    'tensorflow/libtensorflow_cc.so.2': 'cc'.repeat(1000),
    'tensorflow/libtensorflow_framework.so.2': 'framework',
    'tensorflow/include/tensorflow/c/c_api.h':
      '#include <stdint.h>\n# include "tensorflow/c/inner.h"\n#include "../../../../escape.h"\n',
    'tensorflow/include/tensorflow/c/inner.h': '  #include "xla/deep.h"\n// #include "commented.h"',
    'tensorflow/include/xla/deep.h': '#include "tensorflow/c/c_api.h"',
    'tensorflow/include/commented.h': '',
    'tensorflow/include/xla/unrelated.h': '',
    'escape.h': 'outside',
    'tensorflow/include/../../../../escape.h': 'outside',
    'tensorflow_cpu-9.8.7.dist-info/METADATA':
      'Name: tensorflow_cpu\nVersion: 9.8.7\nRequires-Dist: numpy>=1.26.0\nRequires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"\n',
  };

  function unpack(content: Record<string, string>) {
    const wheel = join(folder, 'a.whl');
    assert.equal(spawnSync('python3', ['-c', makeWheel, wheel, JSON.stringify(content)]).status, 0);
    return spawnSync('python3', [script, wheel, join(folder, 'lib'), join(folder, 'include')], {
      encoding: 'utf8',
    });
  }

  it('takes the libraries and the headers that the C API leads to, and nothing else', async () => {
    const { stdout, stderr } = unpack(files);
    assert.deepEqual(JSON.parse(stdout || stderr), {
      version: '9.8.7',
      cudaRequirements: ['nvidia-cublas-cu12<13.0,>=12.5.3.2'],
      bytes: [
        'tensorflow/libtensorflow_cc.so.2',
        'tensorflow/libtensorflow_framework.so.2',
        'tensorflow/include/tensorflow/c/c_api.h',
        'tensorflow/include/tensorflow/c/inner.h',
        'tensorflow/include/xla/deep.h',
      ].reduce((sum, name) => sum + files[name as keyof typeof files].length, 0),
    });
    const found = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    assert.deepEqual(found.map((entry) => entry.name).sort(), [
      'a.whl',
      'c_api.h',
      'deep.h',
      'inner.h',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
  });

  it('refuses a wheel without the libraries', () => {
    const lacking = Object.entries(files).filter(([name]) => !name.includes('libtensorflow_cc'));
    const { status, stderr } = unpack(Object.fromEntries(lacking));
    assert.notEqual(status, 0);
    assert.match(stderr, /the wheel holds no libtensorflow_cc\.so\.2/);
  });

  it('refuses a file that is no wheel', () => {
    const { status } = spawnSync('python3', [script, script, join(folder, 'lib'), join(folder, 'include')]);
    assert.notEqual(status, 0);
  });
});
