import { readdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { insideFolder, readJson } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { readSafetensorsHeader, type TensorInfo } from '../model/safetensors.ts';

/** The tensors of a checkpoint, of one file or of several shards, by stored name. Headers only. */
export interface StoredCheckpoint {
  /** What the user named. */
  readonly path: string;
  /** Where config.json would be. */
  readonly folder: string;
  /** Weight files, and the index of a sharded checkpoint. */
  readonly files: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorInfo & { readonly file: string }>;
  readonly metadata: Readonly<Record<string, string>>;
}

const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

/**
 * Opens the headers of `path`: a safetensors file, or a folder with `model.safetensors`, with a sharded
 * `model.safetensors.index.json`, or with exactly one safetensors file.
 * @throws BlockForgeError `file-missing`, `file-invalid`, and `checkpoint-unsupported` for every other format, with
 * the lines that convert it: pickles can run code, so they are never opened.
 */
export async function locateCheckpoint(path: string, architectureName?: string): Promise<StoredCheckpoint> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () =>
      fail({
        reason: 'file-missing',
        subject: path,
        found: 'no such file or folder',
        ...howToGetCheckpoint(path, architectureName),
      }),
  );
  if (!isFolder) {
    if (path.endsWith('.index.json')) return readShards(path, path);
    refuseForeign(path);
    return readFiles(path, dirname(path), [path], []);
  }
  const entries = await readdir(path);
  if (entries.includes(single)) return readFiles(path, path, [join(path, single)], []);
  if (entries.includes(index)) return readShards(path, join(path, index));
  const candidates = entries.filter((name) => name.endsWith('.safetensors'));
  if (candidates.length === 1) return readFiles(path, path, [join(path, candidates[0]!)], []);
  for (const name of entries) if (extname(name) in conversions) refuseForeign(join(path, name));
  return fail({
    reason: candidates.length === 0 ? 'file-missing' : 'file-invalid',
    subject: path,
    found:
      candidates.length === 0
        ? 'no safetensors file'
        : `${candidates.length} safetensors files and no ${index}`,
    expected: `a folder with ${single}, or the path of one file`,
  });
}

async function readShards(path: string, indexFile: string): Promise<StoredCheckpoint> {
  const folder = dirname(indexFile);
  const { weight_map: map } = await readJson<{ weight_map?: unknown }>(indexFile);
  if (
    typeof map !== 'object' ||
    map === null ||
    !Object.values(map).every((value) => typeof value === 'string')
  ) {
    return fail({ reason: 'file-invalid', subject: indexFile, found: 'no weight_map of file names' });
  }
  const names = [...new Set(Object.values(map as Record<string, string>))].sort();
  return readFiles(
    path,
    folder,
    names.map((name) => insideFolder(folder, name)),
    [indexFile],
  );
}

async function readFiles(
  path: string,
  folder: string,
  weightFiles: readonly string[],
  otherFiles: readonly string[],
): Promise<StoredCheckpoint> {
  const tensors = new Map<string, TensorInfo & { file: string }>();
  let metadata: Readonly<Record<string, string>> = {};
  for (const file of weightFiles) {
    const header = await readSafetensorsHeader(file);
    if (weightFiles.length === 1) metadata = header.metadata;
    for (const [name, info] of header.tensors) {
      const other = tensors.get(name);
      if (other !== undefined) {
        fail({ reason: 'file-invalid', subject: file, found: `tensor ${name} is in ${other.file} too` });
      }
      tensors.set(name, { ...info, file });
    }
  }
  return { path, folder, files: [...weightFiles, ...otherFiles], tensors, metadata };
}

/** A script and no line to paste: it knows what trainers write, prefers averaged weights and never runs what it reads. */
const torch = (file: string): string =>
  `python3 scripts/convert-checkpoint.py ${quoted(file)} (needs pip install torch safetensors numpy) says what it wrote: then --set teacher.checkpoint=${quoted(convertedName(file))}`;

/** As the script names its output. */
function convertedName(file: string): string {
  return `${file.replace(/(?:\.pth|\.pt|\.ckpt|\.bin|\.tar)+$/, '')}.safetensors`;
}

/** For a shell, where it needs that. */
function quoted(file: string): string {
  return /^[\w./~+:@%-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
}

/** Per ending, the lines that make a safetensors file of it. */
const conversions: Readonly<Record<string, (file: string) => string>> = {
  '.pth': torch,
  '.pt': torch,
  '.bin': torch,
  '.ckpt': torch,
  '.tar': torch,
  '.npz': (file) =>
    `python3 -c "import timm, safetensors.torch as s; m = timm.create_model('vit_base_patch16_224'); ` +
    `m.load_pretrained('${file}'); s.save_file(m.state_dict(), 'model.safetensors')" (with the model's own timm name)`,
  '.h5': (file) =>
    `python3 -c "from transformers import ViTForImageClassification as V; ` +
    `V.from_pretrained('${dirname(file)}', from_tf=True).save_pretrained('converted')" (needs tensorflow and transformers 4), ` +
    `then teacher.checkpoint: converted`,
};

function refuseForeign(path: string): void {
  const ending = extname(path).toLowerCase();
  if (ending === '.safetensors') return;
  const convert = conversions[ending];
  fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found:
      convert === undefined
        ? `a file ending in "${ending}"`
        : `a ${ending} file, which may run code when it is read`,
    expected: 'a .safetensors file',
    next: (convert ?? torch)(path),
  });
}

/** Public safetensors checkpoints that this tool reads as they are, by the start of the architecture's name. */
const published: Readonly<Record<string, readonly string[]>> = {
  vit_tiny_patch16_224: ['timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k'],
  vit_small_patch16_224: ['timm/vit_small_patch16_224.augreg_in21k_ft_in1k'],
  vit_base_patch16_224: ['timm/vit_base_patch16_224.augreg2_in21k_ft_in1k', 'google/vit-base-patch16-224'],
  vit_large_patch16_224: ['timm/vit_large_patch16_224.augreg_in21k_ft_in1k', 'google/vit-large-patch16-224'],
  deit_tiny_patch16_224: ['timm/deit_tiny_patch16_224.fb_in1k', 'facebook/deit-tiny-patch16-224'],
  deit_small_patch16_224: ['timm/deit_small_patch16_224.fb_in1k', 'facebook/deit-small-patch16-224'],
  deit_base_patch16_224: ['timm/deit_base_patch16_224.fb_in1k', 'facebook/deit-base-patch16-224'],
  deit_tiny_distilled_patch16_224: ['timm/deit_tiny_distilled_patch16_224.fb_in1k'],
  deit_small_distilled_patch16_224: ['timm/deit_small_distilled_patch16_224.fb_in1k'],
  deit_base_distilled_patch16_224: ['timm/deit_base_distilled_patch16_224.fb_in1k'],
};

/** How to come by weights for `path`, which is not there: names of checkpoints that fit, and both ways to get one. */
export function howToGetCheckpoint(
  path: string,
  architectureName?: string,
): { expected: string; next: string } {
  const base = architectureName?.split('.')[0] ?? '';
  const fitting = published[base] ?? ['google/vit-base-patch16-224', 'timm/deit_small_patch16_224.fb_in1k'];
  return {
    expected: `a safetensors file (timm, Hugging Face or torchvision names); on the Hugging Face hub ${fitting.join(' and ')} ${fitting.length === 1 ? 'fits' : 'fit'}`,
    next: `--set teacher.checkpoint=hf:${fitting[0]} downloads it; or download model.safetensors and config.json of it by hand and put them into ${folderOf(path)}`,
  };
}

function folderOf(path: string): string {
  return path.endsWith('.safetensors') ? path.slice(0, path.lastIndexOf('/')) : path;
}
