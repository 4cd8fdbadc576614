import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat, constants, copyFile, link, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { modelCosts } from '../model/costs.ts';
import { readJson, writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { sha256File } from '../util/hash.ts';
import { makeFolder } from '../util/make-folder.ts';
import { refuseWrite } from '../util/system-failure.ts';
import { toolVersion } from '../util/package.ts';
import { publishFile } from '../library/listed-file.ts';
import { checkComposition, type Library } from '../library/open.ts';
import { onnxIrVersion, onnxOpset } from '../graphs/onnx.ts';
import { answerIndex, graphFiles, weightFiles, type WeightFile } from './model-files.ts';
import {
  modelManifestSchema,
  modelSchemaVersion,
  type MeasuredModel,
  type ModelLimits,
  type ModelManifest,
  type PredictedModel,
} from './model-manifest.ts';
import { writeOwnWeights, type Refitted } from './own-weights.ts';
import { compositionFile } from './open-model.ts';
import { modelReadme } from './model-readme.ts';

export interface WriteModelOptions {
  readonly limits?: ModelLimits | undefined;
  readonly predicted?: PredictedModel | undefined;
  readonly measured?: MeasuredModel | undefined;
  readonly refitted?: Refitted | undefined;
  /** For tests: what makes the hard links. */
  readonly link?: Parameters<typeof linkOrCopy>[2];
}

/**
 * Writes one composition as a model folder that needs nothing else: its weight files, which are the library's by hard link
 * (copies on another file system), and graphs for ONNX and TensorFlow.js that point into them. The folder appears at once
 * and whole; a model folder that lies there already is replaced.
 *
 * @param descendants one id per block, in block order
 * @throws BlockForgeError `library-invalid`: an id that is none of its block, a file that is not what the manifest says;
 * `usage` where `folder` holds something else; `out-of-space`
 */
export async function writeModel(
  library: Library,
  descendants: readonly string[],
  folder: string,
  { limits, predicted, measured, refitted, link }: WriteModelOptions = {},
): Promise<ModelManifest> {
  checkComposition(library, descendants);
  // A link to a folder stays one: what it leads to is written.
  const target = await realpath(folder).catch(() => resolve(folder));
  const replaces = await checkTarget(target);
  const { teacher } = library.manifest;
  const widths = descendants.map((id) => library.descendant(id).width);
  const { params, macs } = modelCosts(teacher.architecture, widths);
  const version = await toolVersion();
  const answers = answerIndex(library);
  const described: Omit<ModelManifest, 'files' | 'sizeBytes'> = {
    kind: 'blockforge-model',
    schemaVersion: modelSchemaVersion,
    tool: { name: 'blockforge', version },
    library: { manifestSha256: library.manifestSha256 },
    descendants: [...descendants],
    architecture: teacher.architecture,
    widths,
    preprocessing: teacher.preprocessing,
    classNames: teacher.classNames,
    params,
    macs,
    onnx: { opset: onnxOpset, irVersion: onnxIrVersion },
    ...(teacher.measure && { measure: teacher.measure.kind }),
    ...(answers && { index: answers.index }),
    ...(limits && { limits }),
    ...(predicted && { predicted }),
    ...(measured && { measured }),
    ...(refitted && { refitted: refitted.record }),
  };

  const temporary = `${target}.tmp-${randomBytes(4).toString('hex')}`;
  try {
    makeFolder(join(temporary, 'weights'));
    const files = await writeOwnWeights(library, weightFiles(library, descendants), temporary, refitted);
    const listed = await takeFiles([...files, ...(answers ? [answers.file] : [])], temporary, link);
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const whole = { ...described, sizeBytes };
    const texts = { ...(await graphFiles(library, files, version)), 'README.md': modelReadme(whole) };
    for (const [path, content] of Object.entries(texts)) {
      listed.push(await publishFile(temporary, path, content));
    }
    const manifest = modelManifestSchema.parse({ ...whole, files: listed });
    await writeJsonAtomic(join(temporary, compositionFile), manifest);
    // The old one steps aside, so that there is no moment when neither is whole.
    const old = `${temporary}-old`;
    if (replaces) await rename(target, old);
    await rename(temporary, target);
    await rm(old, { recursive: true, force: true });
    return manifest;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    return refuseWrite(error, target);
  }
}

/** @returns whether there is a model to replace */
async function checkTarget(folder: string): Promise<boolean> {
  makeFolder(dirname(folder));
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isDirectory()) {
    if ((await readdir(folder)).length === 0) return true;
    const old = await readJson<{ kind?: unknown } | null>(join(folder, compositionFile)).catch(() => null);
    if (old?.kind === 'blockforge-model') return true;
  }
  return fail({
    reason: 'usage',
    subject: folder,
    found: 'it exists and is no model folder',
    expected: 'a new folder, an empty one, or one that holds an earlier model',
  });
}

async function takeFiles(
  files: readonly WeightFile[],
  folder: string,
  link: WriteModelOptions['link'],
): Promise<ModelManifest['files']> {
  const listed: ModelManifest['files'] = [];
  for (const { source, path, sizeBytes, sha256 } of files) {
    const full = join(folder, path);
    if (source !== full) await linkOrCopy(source, full, link);
    const found = await sha256File(full);
    if (found !== sha256) {
      fail({
        reason: 'library-invalid',
        subject: source,
        found: `sha256 ${found}`,
        expected: `${sha256}, as the manifest says`,
        next: 'copy the library again, or export it again',
      });
    }
    listed.push({ path, sizeBytes, sha256 });
  }
  return listed;
}

/**
 * The same file under a second name; a copy where there can be no such name (another file system, or one without hard
 * links). @returns which of the two it was
 */
export async function linkOrCopy(
  source: string,
  target: string,
  makeLink: typeof link = link,
): Promise<'linked' | 'copied'> {
  // A link to a symbolic link would be one more of those, pointing from somewhere else.
  const real = await realpath(source);
  try {
    await makeLink(real, target);
    return 'linked';
  } catch (error) {
    if (!cannotLink.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(real, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return 'copied';
  }
}

/** EPERM also where the system protects files of other owners, EMLINK where a file has all the names it may have. */
const cannotLink = new Set(['EXDEV', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
