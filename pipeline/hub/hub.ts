import { readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { insideFolder, readJson, writeFileAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import { download, type DownloadProgress } from './download.ts';
import { maxBytes, problemOf } from './downloaded.ts';

export interface HubOptions {
  /** `HF_ENDPOINT`, `HF_TOKEN` and `BLOCKFORGE_CACHE` are read from here; default: the process's own environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Told of files that were damaged in the cache and are loaded anew. */
  readonly onNote?: (message: string) => void;
  /** Aborting keeps what was loaded; the next call resumes. */
  readonly signal?: AbortSignal;
}

const weights = 'model.safetensors';
const index = 'model.safetensors.index.json';

const sideFiles = ['config.json', 'preprocessor_config.json'];

/** `hf:owner/name` or `hf:owner/name@revision` */
export function isHubName(name: string): boolean {
  return name.startsWith('hf:');
}

/** `$BLOCKFORGE_CACHE/hub`, else `~/.cache/blockforge/hub`. */
function hubFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment.BLOCKFORGE_CACHE || join(homedir(), '.cache', 'blockforge'), 'hub');
}

/**
 * The local folder of a model of the Hugging Face hub, with its weights, config.json and preprocessor_config.json.
 * Downloads what is not there yet and resumes what was interrupted; a complete folder needs no network. A branch that
 * moved on is not noticed: name a commit as the revision, or delete the folder.
 * @throws BlockForgeError `download-failed` with the way by hand, `config-invalid` for a name of another form
 */
export async function fetchFromHub(name: string, options: HubOptions = {}): Promise<string> {
  const { environment = process.env, onProgress, signal } = options;
  const match = /^hf:([\w-][\w.-]*)\/([\w-][\w.-]*)(?:@([\w-][\w./-]*))?$/.exec(name);
  if (match === null || name.includes('..')) {
    return fail({
      reason: 'config-invalid',
      subject: 'teacher.checkpoint',
      found: `"${name}"`,
      expected: 'hf:owner/name or hf:owner/name@revision',
    });
  }
  const [, owner, model, revision = 'main'] = match;
  const folder = join(hubFolder(environment), `${owner}--${model}`, encodeURIComponent(revision));
  const dropped = await dropDamaged(folder, (message) => options.onNote?.(message));
  const isComplete = (await exists(join(folder, weights))) || (await exists(join(folder, index)));
  if (isComplete && dropped.length === 0) return folder;

  const endpoint = endpointOf(environment);
  const base = `${endpoint}/${owner}/${model}/resolve/${encodeURIComponent(revision)}`;
  const manually =
    `download ${weights} and config.json of ${owner}/${model} by hand into a folder and set teacher.checkpoint to it ` +
    '(behind a mirror: HF_ENDPOINT=URL; for a private model: HF_TOKEN=...)';
  const get = (file: string, target = file): Promise<boolean> =>
    download({
      url: `${base}/${file.split('/').map(encodeURIComponent).join('/')}`,
      target: join(folder, target),
      token: environment.HF_TOKEN || undefined,
      maxBytes: maxBytes(file),
      problem: (path) => problemOf(path, file),
      next: manually,
      onProgress,
      signal,
    });
  makeFolder(folder);
  // The weights come last, and of a sharded model the index: their presence means that all is here.
  for (const file of sideFiles) if (!isComplete || dropped.includes(file)) await get(file);
  if (isComplete || (await get(weights))) return folder;
  const pending = `${index}.pending`;
  if (!(await get(index, pending))) {
    return fail({
      reason: 'download-failed',
      subject: name,
      found: `no ${weights} at ${base}`,
      expected: 'a model with safetensors weights, or another revision (hf:owner/name@revision)',
      next: manually,
    });
  }
  const { weight_map: map } = await readJson<{ weight_map?: Record<string, string> }>(join(folder, pending));
  for (const shard of [...new Set(Object.values(map ?? {}))].sort()) {
    insideFolder(folder, shard);
    if (!(await exists(join(folder, shard))) && !(await get(shard))) {
      fail({
        reason: 'download-failed',
        subject: name,
        found: `its index names ${shard}, which is not there`,
        next: manually,
      });
    }
  }
  await writeFileAtomic(join(folder, index), await readFile(join(folder, pending)));
  return folder;
}

/** @throws BlockForgeError `config-invalid` */
function endpointOf({ HF_ENDPOINT }: Readonly<Record<string, string | undefined>>): string {
  const endpoint = (HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  if (/^https?:\/\/[^/@\s]+(?:\/|$)/.test(endpoint) && URL.canParse(endpoint)) return endpoint;
  return fail({
    reason: 'config-invalid',
    subject: 'HF_ENDPOINT',
    found: `"${endpoint}"`,
    expected: 'the address of a mirror, https://HOST',
  });
}

/**
 * Removes what a crash, a full disk or another program left damaged in the cache, so that it is loaded anew. Of shards
 * their index goes too: it comes last and says that all is there.
 * @returns names of the files
 */
async function dropDamaged(folder: string, tell: (message: string) => void): Promise<string[]> {
  const dropped: string[] = [];
  const check = async (name: string): Promise<void> => {
    const path = join(folder, name);
    const problem = (await exists(path)) ? await problemOf(path, name) : undefined;
    if (problem === undefined) return;
    await rm(path, { force: true });
    dropped.push(name);
    tell(`${path} is damaged (${problem}): loaded anew`);
  };
  for (const name of [...sideFiles, weights, index]) await check(name);
  if (await exists(join(folder, index))) {
    const { weight_map: map } = await readJson<{ weight_map: Record<string, string> }>(join(folder, index));
    const count = dropped.length;
    for (const shard of new Set(Object.values(map))) {
      insideFolder(folder, shard);
      if (await exists(join(folder, shard))) await check(shard);
      else dropped.push(shard);
    }
    if (dropped.length > count) await rm(join(folder, index), { force: true });
  }
  return dropped;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
