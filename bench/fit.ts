/**
 * What fitting a library's widths costs, in plain forward passes: order and refit of all widths of a config over its calibration images, beside
 * one pass of each of those models over as many images, computed batch by batch in the same process. Reading and preparing the images is in the
 * fit (it reads them once) and beside the passes.
 *
 *     npm run bench -- fit --config vit-tiny-imagenet40.yaml --images 2000
 */
import * as tf from '@tensorflow/tfjs-core';
import yargs from 'yargs';
import { orderBlock } from '../pipeline/compress/order/criteria.ts';
import { hiddenUnits } from '../pipeline/model/architecture.ts';
import { enterEncoder, logitsFrom } from '../pipeline/model/encoder.ts';
import { disposeFfn, uploadFfn } from '../pipeline/model/ffn-tensors.ts';
import type { FfnWeights } from '../pipeline/model/ffn-weights.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import { recipeOf, refitInputs } from '../pipeline/recipe/recipe.ts';
import { descents } from '../pipeline/stages/blocks/shape.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { fail } from '../pipeline/util/failure.ts';
import { openQualityData } from './quality/data.ts';
import { openEvidence } from './quality/evidence.ts';

const args = await yargs(process.argv.slice(2))
  .scriptName('npm run bench -- fit')
  .options({
    config: { type: 'string', demandOption: true, describe: 'a config of the method blocks' },
    set: { type: 'string', array: true, default: [] as string[], describe: 'key.path=value' },
    images: { type: 'number', default: 2000, describe: 'most calibration images' },
    passes: { type: 'number', default: 200, describe: 'images that time the forward passes' },
  })
  .strict()
  .parse();

for (const [option, value, least] of [
  ['images', args.images, 2],
  ['passes', args.passes, 2],
] as const) {
  if (!Number.isInteger(value) || value < least) {
    fail({
      ...{ reason: 'usage', subject: 'fit', found: `--${option} ${value}` },
      ...{ expected: `a whole number from ${least} on`, next: 'npm run bench -- fit --help' },
    });
  }
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

const data = await openQualityData({
  ...{ config: args.config, set: args.set, folds: 1 },
  ...{ calibrationImages: args.images, evaluationImages: 1 },
});
const { config } = data.loaded;
const engine = await loadEngine(config.engine);
const model = uploadTeacher(data.teacher, data.architecture);
const items = data.folds.flatMap(({ calibration }) => calibration);
const recipe = recipeOf(config);
const composed = refitInputs(recipe);
const steps = descents(config, hiddenUnits(data.architecture));
console.error(`${engine.description}; ${items.length} images, ${steps.length} widths`);

const statisticsBegan = performance.now();
const evidence = await openEvidence(data, model, items, { recipes: [recipe] }, () => undefined);
const statisticsSeconds = seconds(statisticsBegan);

const orderBegan = performance.now();
const orders = evidence.teacher.map((ffn, block) => orderBlock(recipe.order, ffn, evidence.evidence[block]!));
const orderSeconds = seconds(orderBegan);

const fitBegan = performance.now();
const models = steps.map((): FfnWeights[] => []);
const fitted = evidence.fit({
  composed,
  options: { ridge: recipe.order.ridge, method: recipe.refit.method },
  orderOf: (block) => orders[block]!.units,
  widths: evidence.teacher.map(() => steps.map(({ width }) => width)),
});
for await (const { levels } of fitted) levels.forEach(({ weights }, level) => models[level]!.push(weights));
const fitSeconds = seconds(fitBegan);

const some = items.slice(0, args.passes);
let readSeconds = 0;
let passSeconds = 0;
const uploaded = models.map((ffns) => ffns.map(uploadFfn));
// The first batch warms up, and is not counted.
let counted = -1;
let reading = performance.now();
for await (const { pixels } of evidence.batchesOf(some, config.statistics.batchSize)) {
  const images = pixels.shape[0];
  if (counted >= 0) readSeconds += seconds(reading);
  const passing = performance.now();
  for (const ffns of uploaded) {
    const first = enterEncoder(model, pixels);
    const logits = logitsFrom(model, 0, first, (block) => ffns[block]!);
    await logits.data();
    tf.dispose([first, logits]);
  }
  pixels.dispose();
  if (counted >= 0) passSeconds += seconds(passing);
  counted = counted < 0 ? 0 : counted + images;
  reading = performance.now();
}
uploaded.flat().forEach(disposeFfn);
model.dispose();
if (counted <= 0) {
  fail({
    ...{ reason: 'usage', subject: 'fit', found: `${some.length} images for the passes` },
    expected: `more than a batch of ${config.statistics.batchSize} (statistics.batchSize), which warms up`,
    next: 'raise --passes and --images, or set a smaller batch',
  });
}
const passes = (passSeconds / counted) * items.length;
const report = {
  ...{ engine: engine.description, images: items.length, widths: steps.map(({ width }) => width) },
  ...{ statisticsSeconds, orderSeconds, fitSeconds },
  forwardPassesSeconds: passes,
  readingSeconds: (readSeconds / counted) * items.length,
  fitOverPasses: fitSeconds / passes,
};
console.log(JSON.stringify(report, null, 2));
