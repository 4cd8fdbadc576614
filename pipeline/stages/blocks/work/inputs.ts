import { join } from 'node:path';
import { composedInputs, teacherInputs, type BlockInputs } from '../../../recipe/block-inputs.ts';
import {
  calibrationImages,
  chainImages,
  sampledRows,
  sampledTokens,
  type Calibration,
} from '../../../recipe/calibration.ts';
import { openChain, type Chain } from '../../../recipe/chain.ts';
import type { ComposedInputs } from '../../../recipe/recipe.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { hashJson, sha256File } from '../../../util/hash.ts';
import { commonFiles, indices, teacherJob, type ImageAccess } from '../../common/artefacts.ts';
import { openSplit, openTeacher, readSplit, readTeacherInfo } from '../../common/open.ts';
import { chainJob, files, type ChainName } from '../artefacts.ts';
import {
  openTokens,
  readDescendants,
  readEvidence,
  readHeldOutTokens,
  readTeacherFfn,
  readTokenWeights,
} from './read.ts';
import { streamFolder } from '../../../recipe/stream-folder.ts';

/** What the inputs of a block are made from, in the settings of its refit and of its training. */
export type InputSettings = {
  readonly block: number;
  /** Null: the teacher's own alone, from the statistics stage's files. */
  readonly composed: ComposedInputs | null;
  readonly calibration: Calibration;
  /** Of the statistics. */
  readonly shards: number;
};

/** A block's inputs for a job of a chain. `levels`: descendants of the block. */
export async function openInputs(
  context: JobContext,
  name: ChainName,
  settings: InputSettings,
  levels: number,
  access: ImageAccess,
): Promise<BlockInputs> {
  const { block, composed, calibration, shards } = settings;
  const { architecture } = await readTeacherInfo(context);
  const { width, gelu } = architecture;
  const sampled = sampledTokens(calibration, architecture);
  const common = { block, teacher: await readTeacherFfn(context, block), gelu, sampled };
  const weights = async () => (await readTokenWeights(context, architecture, sampled))[block]!;
  if (composed === null) {
    return teacherInputs({
      ...common,
      weights,
      evidence: () => readEvidence(context, block, shards),
      heldOut: () => readHeldOutTokens(context, block, shards),
      openTokens: () => openTokens(context, { block, width, shards }),
    });
  }
  const model = await openTeacher(context);
  const chain = await openFolderChain(context, name, { ...settings, composed, model, levels }, access);
  const inputs = composedInputs({
    ...common,
    chain,
    weights: await weights(),
    composedShare: composed.composedShare,
    onProgress: (fraction) => context.progress({ fraction: 0.9 * fraction }),
    signal: context.signal,
  });
  return {
    ...inputs,
    async close() {
      await inputs.close();
      model.dispose();
    },
  };
}

interface ChainAt extends InputSettings {
  readonly composed: ComposedInputs;
  readonly model: Awaited<ReturnType<typeof openTeacher>>;
  readonly levels: number;
}

/** What the streams of a chain depend on beside the descendants of earlier blocks. */
export type StreamOrigin = {
  readonly chain: ChainName;
  /** The teacher's stream and one per width. */
  readonly levels: number;
  /** Images. */
  readonly training: number;
  readonly heldOut: number;
  readonly seed: number;
  /** Hashes. */
  readonly preprocessing: string;
  readonly calibration: string;
  readonly teacher: string;
};

/**
 * The names of the streams before block 0, 1, ... `prefix.length`. Streams that an earlier process left are taken by name
 * alone, so all that they depend on is in it.
 * @param prefix hashes of the descendants of every earlier block
 */
export function streamKeys(origin: StreamOrigin, prefix: readonly string[]): string[] {
  return indices(prefix.length + 1).map((before) => hashJson({ ...origin, prefix: prefix.slice(0, before) }));
}

/** A chain whose streams lie in the run's scratch folder, named by all that they depend on. */
async function openFolderChain(
  context: JobContext,
  name: ChainName,
  { model, block, levels, composed, calibration }: ChainAt,
  access: ImageAccess,
): Promise<Chain> {
  const { preprocessing } = await readTeacherInfo(context);
  const split = await openSplit(context, 'calibration', access);
  const all = calibrationImages(calibration, split.items);
  const counts = chainImages(
    { images: composed.images, heldOut: calibration.heldOut },
    { training: all.training.length, heldOut: all.heldOut.length },
  );
  const { length } = split.items;
  if (block === 0 && counts.training + counts.heldOut < length) {
    context.warn(
      `${counts.training + counts.heldOut} of ${length} calibration images are used (inputs.images)`,
    );
  }
  const origin: StreamOrigin = {
    chain: name,
    levels: 1 + levels,
    ...counts,
    seed: calibration.seed,
    preprocessing: hashJson({ ...preprocessing }),
    calibration: (await readSplit(context, 'calibration')).sha256,
    teacher: await sha256File(context.input(teacherJob, commonFiles.teacher)),
  };
  const pathOf = (before: number): string => context.input(chainJob[name](before), files.descendants);
  const prefix: string[] = [];
  for (const before of indices(block)) prefix.push(await sha256File(pathOf(before)));
  return openChain({
    model,
    store: streamFolder(join(context.scratchFolder, name)),
    levels,
    images: {
      training: all.training.slice(0, counts.training),
      heldOut: all.heldOut.slice(0, counts.heldOut),
    },
    batchesOf: (items, batchSize) => split.tensorBatches(items, batchSize),
    rowsOf: (ids) => sampledRows(calibration, model.architecture, ids),
    block,
    earlier: {
      keys: streamKeys(origin, prefix),
      async keyAfter() {
        const own = await sha256File(join(context.folder, files.descendants));
        return streamKeys(origin, [...prefix, own])[block + 1]!;
      },
      descendantsOf: (before) => readDescendants(pathOf(before)),
    },
    onNote(note) {
      context.progress({ fraction: 0, note });
      context.signal.throwIfAborted();
    },
  });
}
