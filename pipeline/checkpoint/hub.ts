import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { insideFolder, readJson, writeFileAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import { download, type DownloadProgress } from './download.ts';

export interface HubOptions {
  /** `HF_ENDPOINT`, `HF_TOKEN` and `BLOCKFORGE_CACHE` are read from here; default: the process's own environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Aborting keeps what was loaded; the next call resumes. */
  readonly signal?: AbortSignal;
}

const weights = 'model.safetensors';
const index = 'model.safetensors.index.json';

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
  if ((await exists(join(folder, weights))) || (await exists(join(folder, index)))) return folder;

  const endpoint = (environment.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  const base = `${endpoint}/${owner}/${model}/resolve/${encodeURIComponent(revision)}`;
  const manually =
    `download ${weights} and config.json of ${owner}/${model} by hand into a folder and set teacher.checkpoint to it ` +
    '(behind a mirror: HF_ENDPOINT=URL; for a private model: HF_TOKEN=...)';
  const get = (file: string, target = file): Promise<boolean> =>
    download({
      url: `${base}/${file}`,
      target: join(folder, target),
      token: environment.HF_TOKEN || undefined,
      next: manually,
      onProgress,
      signal,
    });
  makeFolder(folder);
  // The weights come last, and of a sharded model the index: their presence means that all is here.
  await get('config.json');
  await get('preprocessor_config.json');
  if (await get(weights)) return folder;
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

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
