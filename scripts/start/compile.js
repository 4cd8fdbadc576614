import { randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, stop } from 'esbuild';
import { cacheFolder, digestOf, recordFile, stateOf } from './compiled.js';

/** How many copies are kept: a run that still goes on loads its later parts from the one it began with. */
const keptCopies = 10;

/** Packages with files beside their code, that others must find as the same one, or large ones that few runs load. All others become part of the copy. */
const external = [
  '@tensorflow/*',
  'onnxruntime-node',
  'sharp',
  'webgpu',
  'tsx',
  'esbuild',
  'vega',
  'vega-lite',
];

/**
 * The programs of a copy: the command line, the worker, and the module of each method that a worker takes its work from.
 *
 * @param {string} root
 * @returns {string[]} absolute paths
 */
export function programFiles(root) {
  const stages = join(root, 'pipeline', 'stages');
  const methods = readdirSync(stages).map((name) => join(stages, name, 'graph.ts'));
  return [
    join(root, 'pipeline', 'cli', 'main.ts'),
    join(root, 'pipeline', 'runner', 'local', 'worker.ts'),
    ...methods.filter((path) => existsSync(path)),
  ];
}

/**
 * Makes a copy, and the record of it last: one that is used is whole. @throws where it cannot be made or written
 *
 * @param {string} root
 * @param {readonly string[]} programs absolute paths
 * @returns {Promise<import('./compiled.js').Compiled | undefined>} undefined where a source changed in the meantime
 */
export async function compile(root, programs) {
  const begun = Date.now();
  const cache = join(root, cacheFolder);
  // Before two seconds of compiling: where nothing can be kept, every start would spend them.
  mkdirSync(cache, { recursive: true });
  accessSync(cache, constants.W_OK);
  const folder = randomBytes(8).toString('hex');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...programs],
    outdir: join(cache, folder),
    outbase: root,
    bundle: true,
    // What is imported late stays in files of its own.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external,
    alias: { 'string-width': join(import.meta.dirname, 'plain-width.js') },
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'silent',
    // For packages in the older format: they ask for Node.js' own modules with it.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);",
    },
    plugins: [keepAddresses],
  });
  // Its process is not needed by what comes.
  await stop();
  const sources = [
    ...Object.keys(metafile.inputs),
    ...['start.js', 'start/compiled.js', 'start/compile.js'].map((name) => `scripts/${name}`),
  ].map((path) => {
    const state = stateOf(join(root, path));
    if (state === undefined) throw new Error(`${path} is gone`);
    return /** @type {const} */ ([path, ...state]);
  });
  const digest = digestOf(root, sources);
  if (sources.some(([, , changed]) => changed >= begun)) {
    rmSync(join(cache, folder), { recursive: true });
    return undefined;
  }
  const files = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint !== undefined && programs.includes(join(root, entryPoint))
      ? [[entryPoint, relative(join(cache, folder), join(root, path))]]
      : [],
  );
  const record = { root, folder, programs: Object.fromEntries(files), sources, digest };
  const temporary = join(cache, `${folder}.json`);
  writeFileSync(temporary, JSON.stringify(record));
  renameSync(temporary, join(cache, recordFile));
  removeOlder(cache);
  return record;
}

/** Files that are found by their place beside a source lie beside the source, not beside its copy. */
const keepAddresses = {
  name: 'keep-addresses',
  /** @param {import('esbuild').PluginBuild} builder */
  setup(builder) {
    const root = builder.initialOptions.absWorkingDir ?? '';
    builder.onLoad({ filter: /\.[jt]s$/ }, ({ path }) => {
      if (relative(root, path).split(sep).includes('node_modules')) return undefined;
      const contents = readFileSync(path, 'utf8');
      if (!contents.includes('import.meta')) return undefined;
      const address = JSON.stringify(pathToFileURL(path).href);
      return {
        contents: contents.replaceAll('import.meta.url', address),
        loader: path.endsWith('ts') ? 'ts' : 'js',
      };
    });
  },
};

/** @param {string} cache */
function removeOlder(cache) {
  const copies = readdirSync(cache, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(cache, name), made: statSync(join(cache, name)).mtimeMs }))
    .sort((a, b) => b.made - a.made);
  for (const { path } of copies.slice(keptCopies)) rmSync(path, { recursive: true, force: true });
}
