/**
 * What every step of slicing is worth before any training: sub-models of equal multiply-adds, cut by each criterion, with
 * each layer refitted or not, on the same teacher, subsets of classes and images.
 *
 *     npm run bench -- slicing --config demo.yaml
 *     npm run bench -- slicing --config my-vit.yaml --subsets 4 --macs 0.6,0.4 --rows all
 *
 * `--config` is any config of the method blocks with a teacher that is there already. Sub-models are fitted to calibration
 * images of their classes and measured on selection images, whose labels nothing was chosen by. Prints a table; differences
 * are paired with the whole method's, with their intervals.
 */
import yargs from 'yargs';
import * as tf from '@tensorflow/tfjs-core';
import { forward } from '../pipeline/model/encoder.ts';
import { argMax } from '../pipeline/measure/score-logits.ts';
import { pairedScoresPp, proportionPercent } from '../pipeline/measure/interval.ts';
import type { Architecture } from '../pipeline/model/architecture.ts';
import { modelCosts } from '../pipeline/model/costs.ts';
import type { HostWeights } from '../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import { refittedLayers } from '../pipeline/slicing/refitted-layers.ts';
import { defaultSlicing, type SliceSettings } from '../pipeline/slicing/schema.ts';
import { sliceSubmodel } from '../pipeline/slicing/slice-submodel.ts';
import { randomPartition } from '../pipeline/submodels/partition/random-partition.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { BlockForgeError, exitCodeOf } from '../pipeline/util/failure.ts';
import { openQualityData, type QualityData } from './quality/data.ts';

type Row = { readonly name: string } & Partial<Pick<SliceSettings, 'by' | 'criterion' | 'refit'>> & {
    readonly searched?: boolean;
  };

const whole = 'ours: reconstruction, all refitted';
const rows: readonly Row[] = [
  { name: 'magnitude, as cut', criterion: 'magnitude', refit: [] },
  { name: 'fisher, as cut', criterion: 'fisher', refit: [] },
  { name: 'kl, as cut', criterion: 'kl', refit: [] },
  { name: 'reconstruction, as cut', refit: [] },
  { name: '... FFN outputs refitted', refit: ['mlp.fc2'] },
  { name: '... and attention outputs', refit: ['mlp.fc2', 'attn.proj'] },
  { name: '... and queries, keys, values', refit: ['mlp.fc2', 'attn.proj', 'attn.qkv'] },
  { name: '... and hidden units', refit: refittedLayers.filter((layer) => layer !== 'head') },
  { name: whole },
  { name: 'ours, the budget split by search', searched: true },
  { name: 'magnitude, all refitted', criterion: 'magnitude' },
  { name: 'fisher, all refitted', criterion: 'fisher' },
  { name: 'kl, all refitted', criterion: 'kl' },
  { name: 'policy of heads and units, as published', by: 'policy', refit: [] },
  { name: 'policy of heads and units, all refitted', by: 'policy' },
];

async function bench(argv: readonly string[]): Promise<void> {
  const args = await yargs([...argv])
    .scriptName('npm run bench -- slicing')
    .options({
      config: { type: 'string', default: 'demo.yaml', describe: 'a config of the method blocks' },
      set: { type: 'string', array: true, default: [] as string[], describe: 'key.path=value' },
      teacher: { type: 'string', describe: 'teacher file, for configs that train theirs' },
      devices: { type: 'number', default: 5, describe: 'subsets that the classes are divided into' },
      subsets: { type: 'number', default: 5, describe: 'how many of them are measured' },
      macs: { type: 'string', default: '0.3', describe: 'shares of the multiply-adds, by commas' },
      images: { type: 'number', default: 512, describe: 'calibration images of a subset at most' },
      'most-sparsity': {
        type: 'number',
        default: 0.9,
        describe: 'of the policies; 0.5: as published, which reaches no small shares',
      },
      only: { type: 'string', describe: 'rows with this in their name, by commas' },
    })
    .strict()
    .parseAsync();
  const data = await openQualityData({
    config: args.config,
    set: args.set,
    ...(args.teacher !== undefined && { teacher: args.teacher }),
    sparsities: [0.5],
    folds: 1,
  });
  const { seed } = data.loaded.config;
  const { description } = await loadEngine(data.loaded.config.engine);
  const partition = randomPartition(data.architecture.classes, args.devices, seed).slice(0, args.subsets);
  const wanted = rows.filter(
    ({ name }) => name === whole || args.only?.split(',').some((part) => name.includes(part)) !== false,
  );
  for (const share of args.macs.split(',').map(Number)) {
    const found = new Map<string, Uint8Array>();
    const costs = new Map<string, number>();
    const teacher = await correctOf(data, partition, () =>
      Promise.resolve({ weights: data.teacher, architecture: data.architecture, outputs: undefined }),
    );
    for (const row of wanted) {
      const right = await correctOf(data, partition, async (classes) => {
        const { model } = await slice(data, classes, share, args, row, seed);
        costs.set(row.name, modelCosts(model.architecture).macs / modelCosts(data.architecture).macs);
        return { ...model, outputs: classes.map((_, index) => index) };
      });
      found.set(row.name, right);
      console.error(row.name);
    }
    print(share, args, teacher, found, costs, seed, description);
  }
}

interface Judged {
  readonly weights: HostWeights;
  readonly architecture: Architecture;
  /** Which outputs the classes of the subset are; undefined: their own places. */
  readonly outputs: readonly number[] | undefined;
}

/** Of every selection image of the subsets' classes: 1 where the model of its subset is right among the subset. */
async function correctOf(
  data: QualityData,
  partition: readonly (readonly number[])[],
  modelOf: (classes: readonly number[]) => Promise<Judged>,
): Promise<Uint8Array> {
  const right: number[] = [];
  for (const classes of partition) {
    const { weights, architecture, outputs = classes } = await modelOf(classes);
    const model = uploadTeacher(weights, architecture);
    const items = data.folds[0]!.evaluation.filter(({ label }) => classes.includes(label));
    for await (const { pixels, labels } of data.images.tensorBatches(items, 50)) {
      const logits = tf.tidy(() => tf.gather(forward(model, pixels).logits, [...outputs], 1).dataSync());
      for (const [image, label] of labels.entries()) {
        const chosen = argMax(logits, image * classes.length, classes.length);
        right.push(classes[chosen] === label ? 1 : 0);
      }
      pixels.dispose();
    }
    model.dispose();
  }
  return Uint8Array.from(right);
}

function slice(
  data: QualityData,
  classes: readonly number[],
  share: number,
  { images, mostSparsity }: { readonly images: number; readonly mostSparsity: number },
  { by, criterion, refit, searched = false }: Row,
  seed: number,
) {
  const { calibration } = data.folds[0]!;
  const own = calibration.filter(({ label }) => classes.includes(label));
  // A tenth judges the search; selection images judge nothing but the table.
  const judging = Math.max(1, Math.floor(own.length / 10));
  const pixelsOf = (items: typeof calibration) =>
    async function* () {
      for await (const { pixels } of data.images.tensorBatches(items, 50)) yield pixels;
    };
  const { macs, sizeBytes } = modelCosts(data.architecture);
  return sliceSubmodel({
    teacher: { weights: data.teacher, architecture: data.architecture },
    classes,
    other: false,
    fit: pixelsOf(own.slice(judging)),
    judge: pixelsOf(own.slice(0, judging)),
    limits: { macs: share * macs, sizeBytes },
    settings: {
      ...defaultSlicing,
      images,
      ...(by && { by }),
      ...(criterion && { criterion }),
      ...(refit && { refit }),
      search: { ...defaultSlicing.search, shapes: searched ? defaultSlicing.search.shapes : 1 },
      policy: { ...defaultSlicing.policy, mostSparsity },
    },
    seed,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}

function print(
  share: number,
  { devices, subsets }: { readonly devices: number; readonly subsets: number },
  teacher: Uint8Array,
  found: ReadonlyMap<string, Uint8Array>,
  costs: ReadonlyMap<string, number>,
  seed: number,
  engine: string,
): void {
  const best = found.get(whole);
  if (best === undefined) throw new Error('ours is always measured');
  const percent = (right: Uint8Array): number => proportionPercent(sum(right), right.length).mean;
  const lines = [...found].map(([name, right]) => {
    const { mean, low, high } = pairedScoresPp(right, best);
    const difference = right === best ? '' : `${mean.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
    const kept = (100 * percent(right)) / percent(teacher);
    const macs = (100 * (costs.get(name) ?? NaN)).toFixed(1);
    return `| ${name} | ${macs} | ${percent(right).toFixed(1)} | ${kept.toFixed(1)} | ${difference} |`;
  });
  console.log(
    [
      '',
      `At most ${(100 * share).toFixed(0)} % of the multiply-adds; ${subsets} of ${devices} subsets, ${teacher.length} selection images,`,
      `seed ${seed}, ${engine}; no training. Teacher among the classes of the subset: ${percent(teacher).toFixed(1)} %.`,
      '',
      '| cut | MACs % | top-1 % of own classes | kept % | against ours, pp |',
      '| --- | --- | --- | --- | --- |',
      ...lines,
    ].join('\n'),
  );
}

function sum(values: Uint8Array): number {
  return values.reduce((total, value) => total + value, 0);
}

try {
  await bench(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BlockForgeError)) throw error;
  console.error(error.message);
  process.exitCode = exitCodeOf(error.failure.reason);
}
