import { join } from 'node:path';
import type { JobContext, Stage } from '../../../runner/contract.ts';
import type { LatencyProfile } from '../../../measure/latency.ts';
import type { LibraryInput } from '../../../library/write.ts';
import type { DescendantInput } from '../../../library/write-blocks.ts';
import type { Splits, SplitName } from '../../../../datasets/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { blockName, widthName } from '../../../model/architecture.ts';
import type { Costs } from '../../../model/costs.ts';
import type { NamedArrays } from '../../../model/safetensors.ts';
import { sha256File, type Json } from '../../../util/hash.ts';
import {
  distillJob,
  exportJob,
  files,
  indices,
  orderJob,
  profileJob,
  rankJob,
  splitsJob,
  teacherJob,
} from '../artefacts.ts';
import type { DescendantsInfo } from './read.ts';
import type { Measured } from './measured.ts';
import type { RankingFile } from './rank.ts';
import { descents } from '../shape.ts';

/**
 * Writes the ranked block library: what whoever receives the folder needs, and nothing that needs this code to be read.
 * Reads: ranking, latency, descendants, teacher. Writes: the library folder. Gates: see `writeLibrary`,
 * and `checkOnnx` where ONNX Runtime is installed.
 */
export const exportLibrary: Stage = {
  name: 'export',
  version: 3,
  plan: ({ loaded, architecture }) => {
    const kept = descents(loaded.config, architecture.hidden).reduce(
      (sum, { width }) => sum + width,
      architecture.hidden,
    );
    return [
      {
        id: exportJob,
        folder: 'library',
        needs: [rankJob, profileJob, splitsJob, teacherJob],
        wants: indices(architecture.depth).flatMap((block) => [orderJob(block), distillJob(block)]),
        settings: { config: loaded.config as unknown as Json, name: loaded.name },
        estimate: {
          seconds: 1 + (architecture.depth * kept * architecture.width * 8) / 1e8,
          // The check of the frame's graph holds a whole model on the host and on the engine, and its blocks once more.
          memoryBytes: 4e8 + architecture.depth * architecture.width * architecture.hidden * 32,
          diskBytes: architecture.depth * (kept * architecture.width * 8 + architecture.width ** 2 * 16),
        },
      },
    ];
  },
  async run(_job, context) {
    const { checkOnnx } = await import('../../../library/check-graphs.ts');
    const { openLibrary } = await import('../../../library/open.ts');
    const { writeLibrary } = await import('../../../library/write.ts');
    const { profileScript } = await import('../../../profile/script.ts');
    const { loadEngine } = await import('../../../tensor/engine.ts');
    const { modelCosts } = await import('../../../model/costs.ts');
    const { toolVersion } = await import('../../../util/version.ts');
    const { loaded, architecture, inputs } = context;
    const { config } = loaded;
    const engine = await loadEngine(context.engine);
    const ranking = await readJson<RankingFile>(join(context.input(rankJob)!, files.ranking));
    const latency = await readJson<LatencyProfile>(join(context.input(profileJob)!, files.latency));
    const splits = await readJson<Splits>(join(context.input(splitsJob)!, files.splits));
    const teacherFile = join(context.input(teacherJob)!, files.teacher);
    const blocks = indices(architecture.depth);
    const steps = descents(config, architecture.hidden);
    const hiddenOf = (width: number) => blocks.map(() => width);
    const input: LibraryInput = {
      toolVersion: await toolVersion(),
      forms: config.export.forms,
      seed: config.seed,
      engine: { name: engine.name, version: engine.version, device: engine.device, threads: engine.threads },
      config: config,
      confidence: config.measure.confidence,
      teacher: {
        sha256: await sha256File(teacherFile),
        architecture,
        preprocessing: {
          ...inputs.preprocessing,
          mean: [...inputs.preprocessing.mean],
          std: [...inputs.preprocessing.std],
        },
        classNames: [...splits.classes],
        ...costFigures(modelCosts(architecture)),
        accuracy: accuracyOf(ranking.teacher),
      },
      data: dataOf(splits),
      latencyProfile: latency.profile,
      // A uniform model needs every block: where one failed, its ids would name descendants that are not here.
      uniform: ranking.uniform.flatMap(({ sparsity, refit, distilled }, index) =>
        refit === undefined || (config.distill.enabled && distilled === undefined)
          ? []
          : [
              {
                sparsity,
                descendants: blocks.map((block) => `${blockName(block)}/${widthName(steps[index].width)}`),
                ...costFigures(modelCosts(architecture, hiddenOf(steps[index].width))),
                refit: modelScores(refit),
                distilled: distilled === undefined ? null : modelScores(distilled),
              },
            ],
      ),
      contexts: ranking.contexts.map(({ name, width, measured }) => ({
        name,
        width,
        ...modelScores(measured),
      })),
      allocated: ranking.allocated.map(({ costs, sparsity, widths, measured, versusUniformPp }) => ({
        sparsity,
        costs,
        descendants: widths.map((width, block) => `${blockName(block)}/${widthName(width)}`),
        ...costFigures(modelCosts(architecture, widths)),
        scores: modelScores(measured),
        versusUniformPp,
      })),
      ...(ranking.additivity && { additivity: ranking.additivity }),
      ...(ranking.predictor && { predictor: ranking.predictor }),
      profileScript,
      frame: () => readFrame(teacherFile),
      blocks: await Promise.all(
        blocks.map(async (block) => ({ descendants: await descendantsOf(context, block, ranking, latency) })),
      ),
      resource: config.rank.resource,
      ranked: ranking.ranked,
    };
    const manifest = await writeLibrary(context.folder, input, {
      signal: context.signal,
      onDescendant: (done, total) =>
        context.progress({ fraction: done / total, note: `descendant ${done}/${total}` }),
    });
    const onnx = await checkOnnx(await openLibrary(context.folder, { check: 'none' }), context.signal);
    const sizes = manifest.blocks.flatMap(({ descendants }) => descendants.map(({ file }) => file.sizeBytes));
    return {
      library: join(context.runFolder, 'library'),
      blocks: manifest.blocks.length,
      descendants: sizes.length,
      sizeBytes: sizes.reduce((sum, bytes) => sum + bytes, manifest.frame.sizeBytes),
      onnx: { ...onnx },
    };
  },
};

/** The teacher's own block first, then the descendants, widest first. A block that failed has only its own. */
async function descendantsOf(
  context: JobContext,
  block: number,
  ranking: RankingFile,
  latency: LatencyProfile,
): Promise<DescendantInput[]> {
  const { blockCosts } = await import('../../../model/costs.ts');
  const { readDescendants, readOrder, readTeacherFfn } = await import('./read.ts');
  const { architecture } = context;
  const costs = (width: number) => {
    const { p50, p90 } = latency.widths.find(({ hidden }) => hidden === width)!;
    return {
      width,
      ...costFigures(blockCosts(architecture, width)),
      latencyMs: { p50, p90 },
    };
  };
  const teacher: DescendantInput = {
    ...costs(architecture.hidden),
    sparsity: 0,
    keptUnits: indices(architecture.hidden),
    deltas: ranking.deltas[`${blockName(block)}/${widthName(architecture.hidden)}`],
    predictedError: 0,
    heldOutError: { refit: 0, final: 0 },
    gainOverRefit: null,
    source: 'teacher',
    weights: () => readTeacherFfn(context, block),
  };
  const folder = context.optionalInput(distillJob(block));
  if (folder === undefined) return [teacher];
  const info = await readJson<DescendantsInfo>(join(folder, files.descendantsInfo));
  const units = await readOrder(context, block);
  const result = info.descendants.map((item): DescendantInput => {
    return {
      ...costs(item.width),
      sparsity: item.sparsity,
      keptUnits: units.subarray(0, item.width),
      deltas: ranking.deltas[item.id],
      predictedError: item.predictedError,
      heldOutError: { refit: item.refitError, final: item.error! },
      gainOverRefit: context.loaded.config.distill.enabled ? item.gainOverRefit! : null,
      source: item.kept === 'trained' ? 'distilled' : 'refit',
      weights: async () => (await readDescendants(folder, item.width))[0].weights,
    };
  });
  return [teacher, ...result];
}

async function readFrame(teacherFile: string): Promise<NamedArrays> {
  const { openSafetensors } = await import('../../../model/safetensors.ts');
  const file = await openSafetensors(teacherFile);
  const frame: NamedArrays = {};
  for (const name of file.names) {
    if (!/\.mlp\./.test(name)) frame[name] = { shape: file.info(name).shape, data: await file.read(name) };
  }
  await file.close();
  return frame;
}

function costFigures({ params, macs }: Costs) {
  return { params, macs };
}

function accuracyOf({ images, top1Percent, top5Percent }: Measured) {
  return { images, top1Percent, ...(top5Percent !== undefined && { top5Percent }) };
}

function modelScores(measured: Measured) {
  const { top1DeltaPp, kl, agreementPercent } = measured;
  return { ...accuracyOf(measured), top1DeltaPp, kl, agreementPercent };
}

function dataOf(splits: Splits): LibraryInput['data'] {
  const of = (name: SplitName) => ({ images: splits.items[name].length, sha256: splits.hashes[name] });
  return {
    ...(splits.items.train.length > 0 && { train: of('train') }),
    calibration: of('calibration'),
    selection: of('selection'),
    test: of('test'),
  };
}
