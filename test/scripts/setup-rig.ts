import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const scripts = join(import.meta.dirname, '..', '..', 'scripts');

export interface Result {
  readonly status: number | null;
  readonly output: string;
}

/**
 * A copy of scripts/ in a temporary folder, with a PATH that holds nothing but stand-ins for the programs that the set-up calls. Each stand-in
 * notes its parameters in calls.log. The stand-in package answers the set-up's probe when a binding is in place; FAKE_GPU=works or fails lets it
 * use a GPU, FAKE_LOG is what it then writes.
 */
export interface Rig {
  readonly folder: string;
  readonly cache: string;
  readonly toolFolder: string;
  /** Puts a program on the PATH; `body` is shell. */
  program(name: string, body?: string): Promise<void>;
  without(name: string): Promise<void>;
  setUp(options: readonly string[], environment?: NodeJS.ProcessEnv): Promise<Result>;
  /** Starts the set-up and ends it with `signal` as soon as `isTime`. */
  interrupt(signal: NodeJS.Signals, isTime: () => Promise<boolean>): Promise<number | null>;
  stamp(): Promise<Record<string, unknown> | undefined>;
  /** What the cache holds, sorted. */
  cached(): Promise<string[]>;
  /** The lines of calls.log that begin with `name`, and empties it. */
  takeCalls(name: string): Promise<string[]>;
  remove(): Promise<void>;
}

const makeFolders = '/bin/mkdir -p';

/** `after NAME` prints the parameter that follows NAME. */
const after = `after() { name=$1; shift; while [ $# -gt 1 ]; do if [ "$1" = "$name" ]; then echo "$2"; return; fi; shift; done; }`;

const fakePython = `
case "$*" in
  *sys.version_info*) echo 3 ;;
  *--version) echo pip 99 ;;
  *"-m pip download"*) : > "$(after -d "$@")/tensorflow-2.21.0.whl" ;;
  *"-m pip install"*)
    for pair in cublas/lib/libcublas.so.12 cudnn/lib/libcudnn.so.9; do
      file="$(after --target "$@")/nvidia/$pair"; ${makeFolders} "\${file%/*}"; printf %s "\${pair%%/*}" > "$file"
    done ;;
  *)
    test -e "$2" || exit 1
    ${makeFolders} "$3" "$4"
    for name in libtensorflow_cc.so.2 libtensorflow_framework.so.2; do printf %s $name > "$3/$name"; done
    echo '{"version":"2.21.0","cudaRequirements":["nvidia-cublas-cu12>=12","nvidia-cudnn-cu12<10"],"bytes":1}' ;;
esac`;

const fakeCompiler = `case "$*" in --version) ;; *) printf compiled > "$(after -o "$@")" ;; esac`;

const fakeEngine = `
const binding = require('node:path').join(__dirname, '..', 'lib', 'napi-v8', 'tfjs_binding.node');
if (require('node:fs').readFileSync(binding, 'utf8') !== 'compiled') throw new Error('undefined symbol');
exports.tidy = (body) => body();
exports.tensor2d = (values) => values;
exports.matMul = ([a, b, c, d], [e, f, g, h]) => ({ dataSync: () => [a*e + b*g, a*f + b*h, c*e + d*g, c*f + d*h] });
exports.square = (values) => ({ dataSync: () => values.map((x) => x * x) });
if (process.env.TF_CPP_VMODULE) console.error(process.env.FAKE_LOG ?? '');
if (process.env.FAKE_GPU === 'fails') throw new Error('no kernel image is available for execution on the device');
exports.backend = () => ({ binding: { TF_Version: '2.21.0' }, isUsingGpuDevice: process.env.FAKE_GPU === 'works' });`;

const fakeNpm = `
from="$(after --prefix "$@")/node_modules/@tensorflow/tfjs-node-gpu"
${makeFolders} "$from/dist" "$from/binding" "$from/scripts"
echo '{"name":"@tensorflow/tfjs-node-gpu","main":"dist/index.js"}' > "$from/package.json"
echo 'console.error("Error: getaddrinfo ENOTFOUND"); process.exit(1);' > "$from/scripts/install.js"
for name in tfjs_backend.cc tfjs_binding.cc; do echo $name > "$from/binding/$name"; done
echo "$FAKE_ENGINE" > "$from/dist/index.js"`;

export async function makeRig(): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'blockforge-setup-'));
  const toolFolder = join(folder, 'scripts', 'tensorflow');
  const bin = join(folder, 'bin');
  const cache = join(folder, 'cache');
  const log = join(folder, 'calls.log');
  const start = (options: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    spawn(process.execPath, [join(folder, 'scripts', 'setup.js'), ...options], {
      env: { PATH: bin, HOME: folder, BLOCKFORGE_CACHE: cache, FAKE_ENGINE: fakeEngine, ...more },
    });

  await cp(scripts, join(folder, 'scripts'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  await mkdir(bin);
  const rig: Rig = {
    folder,
    cache,
    toolFolder,
    async program(name, body) {
      const note = `echo "${name} $*" >> '${log}'`;
      await writeFile(join(bin, name), `#!/bin/sh\n${note}\n${after}\n${body}\n`, { mode: 0o755 });
    },
    without: (name) => rm(join(bin, name)),
    setUp: (options, environment) =>
      new Promise((settle) => {
        const child = start(options, environment);
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
        child.on('close', (status) => settle({ status, output }));
      }),
    async interrupt(signal, isTime) {
      const child = start(['--auto']);
      const end = new Promise<number | null>((settle) => child.on('exit', settle));
      while (!(await isTime()) && child.exitCode === null) await new Promise((go) => setTimeout(go, 20));
      child.kill(signal);
      return end;
    },
    async stamp() {
      const text = await readFile(join(toolFolder, 'node_modules', '.blockforge-engine.json'), 'utf8').catch(
        () => undefined,
      );
      return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
    },
    cached: async () => (await readdir(cache).catch(() => [])).sort(),
    async takeCalls(name) {
      const text = await readFile(log, 'utf8').catch(() => '');
      await rm(log, { force: true });
      return text.split('\n').filter((line) => line.startsWith(`${name} `));
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
  await rig.program('python3', fakePython);
  await rig.program('g++', fakeCompiler);
  await rig.program('npm', fakeNpm);
  return rig;
}
