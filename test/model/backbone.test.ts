import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { advance } from '../../pipeline/compress/advance.ts';
import { ownTokens, teacherTokens } from '../../pipeline/compress/level-tokens.ts';
import { pack } from '../../pipeline/compress/packed-stream.ts';
import { visitBlocks } from '../../pipeline/compress/visit.ts';
import { visitGradients } from '../../pipeline/compress/visit-gradients.ts';
import { tokenWeights } from '../../pipeline/compress/token-weights.ts';
import { sampledRows, sampledTokens } from '../../pipeline/recipe/calibration.ts';
import { fitLevels } from '../../pipeline/recipe/fit-levels.ts';
import { memoryStreams } from '../../pipeline/recipe/stream-store.ts';
import { measureClassShare } from '../../pipeline/recipe/evidence.ts';
import { likeliestLabels } from '../support/likeliest-labels.ts';
import type { GraphBuilder } from '../../pipeline/graphs/builder.ts';
import { buildModel } from '../../pipeline/graphs/model-graph.ts';
import { architecture as manifestArchitecture } from '../../pipeline/library/manifest-parts.ts';
import { openLibrary } from '../../pipeline/library/open.ts';
import { libraryReadme } from '../../pipeline/library/readme.ts';
import { configSchema } from '../../pipeline/config/schema.ts';
import { countCorrect } from '../../pipeline/measure/accuracy.ts';
import { scoreLogits, teacherReference } from '../../pipeline/measure/score-logits.ts';
import { sweep } from '../../pipeline/measure/sweep.ts';
import {
  blockTokens,
  blockWidth,
  familyOf,
  familyProblem,
  hiddenUnits,
  lastBlockTokens,
  prefixTokens,
  registerFamily,
  tokensPerImage,
  type Architecture,
} from '../../pipeline/model/architecture.ts';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { blockCosts, frameCosts, modelCosts } from '../../pipeline/model/costs.ts';
import type { Backbone } from '../../pipeline/model/backbone.ts';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { blockFeatures, enterEncoder, forward, head } from '../../pipeline/model/encoder.ts';
import { ffnNames, ffnParts, isFfnName, sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { disposeFfn, teacherFfn, uploadFfn, type FfnTensors } from '../../pipeline/model/ffn-tensors.ts';
import { canonicalShapes, hostFfn, type HostWeights } from '../../pipeline/model/host-weights.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { uploadTeacher, uploadWeights, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { adamInit } from '../../pipeline/tensor/optimizer.ts';
import { smoothedTargets, decays, trainStep, type TrainingModel } from '../../pipeline/train/train-step.ts';
import { disposeModel } from '../../pipeline/train/train-state.ts';
import { strongWeights, tinyArchitecture, tinyCct, tinySwin } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { toy, toyArchitecture as architecture, toyPyramid } from './toy-backbone.ts';
import { writtenLibrary } from '../library/fixture.ts';
import { present } from '../support/present.ts';

const { width, depth, hidden } = architecture;
const images = 4;
const tokens = 16;
/** Scales near 1, or no FFN would matter. */
function scaled(of: Architecture): HostWeights {
  const weights = strongWeights(of);
  for (let block = 0; block < of.depth; block++)
    weights[`blocks.${block}.scale`]!.data.forEach((value, i, all) => (all[i] = 1 + value));
  return weights;
}
const host = scaled(architecture);
const distilled: Architecture = { ...tinyArchitecture, family: 'deit', depth: 3 };
const related: Architecture = { ...tinyArchitecture, depth: 3, relativePositionBias: true };
const convolved: Architecture = { ...tinyCct, depth: 3 };
const labels = Int32Array.of(0, 3, 1, 4);
const data = Float32Array.from({ length: images * 8 * 8 * 3 }, (_, i) => Math.sin(i * i));

const pixels = (): tf.Tensor4D => tf.tensor4d(data, [images, 8, 8, 3]);
// eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
async function* batches() {
  yield { pixels: pixels(), labels, ids: ['a', 'b', 'c', 'd'] };
}
const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
};

/** What statistics, fits, measuring and training ask of every family. */
function describeFamily(
  title: string,
  backbone: Backbone,
  architecture: Architecture,
  host: HostWeights,
  rounding = 2e-5,
): void {
  const { depth, classes } = architecture;
  const hiddens = hiddenUnits(architecture);
  const tokens = blockTokens(architecture, 0);
  const tokensOf = (block: number) => blockTokens(architecture, block);
  const widthOf = (block: number) => blockWidth(architecture, block);
  const every = (block: number) => Int32Array.from({ length: images * tokensOf(block) }, (_, row) => row);
  const kept = (block: number) => Array.from({ length: hiddens[block]! / 2 }, (_, unit) => 2 * unit);

  describeOnEachEngine(title, (engine) => {
    let model: TeacherTensors;
    let cut: FfnTensors[];
    beforeEach(() => {
      model = uploadTeacher(host, architecture);
      cut = Array.from({ length: depth }, (_, block) =>
        uploadFfn(sliceFfn(hostFfn(host, block), kept(block))),
      );
    });
    // Mocha runs this before the tensor count of the surrounding describe.
    const free = (): void => {
      model.dispose();
      cut.forEach(disposeFfn);
    };
    const exchanged = (chosen: number) => (block: number) =>
      block === chosen ? cut[block]! : teacherFfn(model, block);
    const logitsOf = (ffn?: (block: number) => FfnTensors): Float32Array =>
      tf.tidy(() => forward(model, pixels(), { ffn }).logits.dataSync<'float32'>().slice());

    it('runs forward as the composition of its own parts, features by name', () => {
      tf.tidy(() => {
        const { logits, features } = forward(model, pixels(), {
          capture: ['embedding', 'pooled', 'block-02.ffn.hidden', 'block-02.ffn.output', 'block-02.output'],
        });
        assert.deepEqual(features.embedding.shape, [images, tokensPerImage(architecture), widthOf(0)]);
        assert.deepEqual(features['block-02.ffn.hidden'].shape, [images, tokensOf(2), hiddens[2]]);
        let x = backbone.embed(model, pixels());
        for (let block = 0; block < depth; block++) {
          const mixed = backbone.mix(model, block, x);
          x = backbone.join(
            model,
            block,
            mixed,
            blockFeatures(model, block, x, teacherFfn(model, block))['ffn.output'],
          );
        }
        // Fused operations round otherwise than the ones they stand for.
        const size = x.abs().max().dataSync()[0]!;
        const exact = engine === 'tensorflow' ? rounding * size : 0;
        assert.ok(largest(x.dataSync(), features['block-02.output'].dataSync()) <= exact);
        const pooled = backbone.pool(model, x);
        assert.ok(largest(pooled.dataSync(), features.pooled.dataSync()) <= exact);
        assert.ok(largest(backbone.classify(model, pooled).dataSync(), logits.dataSync()) <= exact);
        // Without features of the last block nothing is left out but what the head does not read.
        const isShort = backbone.headOnly?.(architecture) !== undefined;
        assert.ok(largest(logitsOf(), logits.dataSync()) <= (isShort ? 2e-5 * size : exact));
      });
      free();
    });

    it('learns by the training step of every family', () => {
      const weights = uploadWeights(host, architecture);
      const targets = tf.tensor2d(smoothedTargets(labels, classes, 0), [images, classes]);
      const batch = { pixels: pixels(), targets };
      let training: TrainingModel = { weights, adam: adamInit(weights) };
      const losses: number[] = [];
      for (let step = 0; step < 10; step++) {
        const next = trainStep(training, architecture, batch, { weightDecay: 0.01, decays }, 3e-2);
        training = next.model;
        losses.push(next.loss.dataSync()[0]!);
        next.loss.dispose();
      }
      assert.ok(present(losses.at(-1)) < 0.5 * losses[0]!, `${losses[0]} -> ${losses.at(-1)}`);
      disposeModel(training);
      tf.dispose([batch.pixels, targets]);
      free();
    });

    it('shows the tokens of every block to statistics, and their gradients to saliencies', () => {
      tf.tidy(() => {
        const capture = ['block-01.ffn.input', 'block-01.ffn.hidden'] as const;
        const { features } = forward(model, pixels(), { capture });
        const seen: number[] = [];
        visitBlocks(model, pixels(), every, (block, { input, hidden: h }) => {
          seen.push(block);
          if (block !== 1) return;
          assert.equal(largest(input.dataSync(), features['block-01.ffn.input'].dataSync()), 0);
          assert.ok(largest(h.dataSync(), features['block-01.ffn.hidden'].dataSync()) < 1e-6);
        });
        assert.deepEqual(seen, [...hiddens.keys()]);
      });
      const gradients: Float32Array[] = [];
      tf.tidy(() =>
        visitGradients(
          model,
          pixels(),
          every,
          () => labels,
          (block, { outputGradient }) => {
            gradients[block] = outputGradient.dataSync<'float32'>().slice();
          },
        ),
      );
      const logLikelihood = (by: number): number =>
        tf.tidy(() => {
          let x = backbone.embed(model, pixels());
          for (let block = 0; block < depth; block++) {
            x = blockFeatures(model, block, x, teacherFfn(model, block)).output;
            if (block === 1) x = tf.add(x, tf.mul(tf.tensor(gradients[1]!, x.shape), by));
          }
          const target = tf.oneHot(tf.tensor1d(labels, 'int32'), classes);
          return tf.sum(tf.mul(tf.logSoftmax(head(model, x)), target)).dataSync()[0]!;
        });
      const norm = Math.hypot(...gradients[1]!);
      const step = 1e-2 / norm;
      const difference = (logLikelihood(step) - logLikelihood(-step)) / (2 * step);
      assert.ok(
        norm > 1e-2 && Math.abs(difference - norm ** 2) < 0.02 * norm ** 2,
        `${difference} ${norm ** 2}`,
      );
      free();
    });

    if (prefixTokens(architecture) === 0) {
      it('weighs all tokens alike where there is no class token: in sampling, fits and errors', async () => {
        const calibration = { seed: 1, heldOut: 0.1, tokensPerImage: 6 };
        const never = () => assert.fail('no image tells anything of a class token');
        assert.equal(await measureClassShare(model, calibration, batches(), never), null);
        const sampled = sampledTokens(calibration, architecture, 0);
        const ids = Array.from({ length: 80 }, (_, image) => String(image));
        const counts = new Array<number>(tokens).fill(0);
        sampledRows(calibration, architecture, ids, 0).forEach((row) => counts[row % tokens]!++);
        assert.equal(sampled, 6);
        // Of 80 images so many keep a token, the first one like the others.
        const expected = (80 * sampled) / tokens;
        assert.ok(
          counts.every((count) => Math.abs(count - expected) < 18),
          counts.join(),
        );
        const fitting = fitLevels({
          model,
          levels: 1,
          startOf: (block) => [{ weights: sliceFfn(hostFfn(host, block), kept(block)), refit: true }],
          images: { training: [{ id: 'a' }, { id: 'b' }], heldOut: [{ id: 'c' }, { id: 'd' }] },
          // eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
          batchesOf: async function* (some) {
            const first = some[0]?.id === 'a' ? 0 : 2;
            yield {
              pixels: tf.tidy(() => tf.slice(pixels(), [first, 0, 0, 0], [2, -1, -1, -1])),
              ids: some.map(({ id }) => id),
            };
          },
          calibration,
          weights: hiddens.map((_, block) =>
            tokenWeights(null, sampledTokens(calibration, architecture, block), 0),
          ),
          composedShare: 0.5,
          ridge: 1e-4,
          store: memoryStreams(),
        });
        // Two images of six tokens, or of all where a block has fewer; all worth the same.
        for await (const { block, tokens: fitted, levels } of fitting) {
          const own = 2 * Math.min(6, tokensOf(block));
          assert.deepEqual([fitted, levels[0]!.heldOut.tokens], [own, own]);
        }
        free();
      });
    }

    it('has streams that follow the compressed model and lead back to the teacher', () => {
      tf.tidy(() => {
        const start = pack(tf.reshape(enterEncoder(model, pixels()), [images * tokens, widthOf(0)]));
        for (let block = 0; block < depth; block++) {
          const rows = tf.tensor1d(every(block), 'int32');
          const name = `block-0${block}` as const;
          const at = (ffnOf: (block: number) => FfnTensors) =>
            advance(model, start, images, { from: 0, to: block, ffnOf });
          const own = at((index) => cut[index]!);
          const whole = teacherTokens(
            model,
            block,
            at((index) => teacherFfn(model, index)),
            rows,
          );
          const { target } = ownTokens(model, block, own, rows, whole);
          const capture = [`${name}.attention.output`, `${name}.output`] as const;
          const teacher = forward(model, pixels(), { capture }).features;
          const student = forward(model, pixels(), { capture, ffn: (index) => cut[index]! }).features;
          const restored = tf
            .add(
              student[`${name}.attention.output`]!,
              tf.reshape(target, [images, tokensOf(block), widthOf(block)]),
            )
            .dataSync();
          const expected = teacher[`${name}.output`]!.dataSync();
          // Up to the 16 bits that streams are kept in; strong weights multiply what is lost, block by block.
          const share = largest(restored, expected) / largest(expected, new Float32Array(expected.length));
          assert.ok(share < 1e-2, `${block}: ${share}`);
        }
      });
      free();
    });

    it('is swept with exchanged blocks to the scores of whole forward passes', async () => {
      const { models } = await sweep({
        model,
        batches: batches(),
        descendants: cut.map((ffn, block) => ({ id: `cut-${block}`, block, ffn })),
        models: [{ id: 'all', ffn: (block) => cut[block]! }],
      });
      const teacher = teacherReference(logitsOf(), classes);
      const expected = new Map([
        ['teacher', logitsOf()],
        ...cut.map((_, block) => [`cut-${block}`, logitsOf(exchanged(block))] as const),
        ['all', logitsOf((block) => cut[block]!)],
      ]);
      assert.deepEqual([...models.keys()], [...expected.keys()]);
      for (const [id, logits] of expected) {
        const { correct, kl } = scoreLogits(logits, labels, teacher);
        assert.deepEqual(present(models.get(id)).correct, correct, id);
        assert.ok(largest(present(models.get(id)).kl, kl) < 2e-5, id);
        if (id !== 'teacher') assert.ok(Math.max(...kl) > 1e-3, `${id}: the block does not matter`);
      }
      const best = likeliestLabels(logitsOf(), classes);
      assert.equal(
        await countCorrect(model, batches()),
        labels.filter((label, i) => best[i] === label).length,
      );
      free();
    });
  });
}

describeFamily('a family that only a test knows', toy, architecture, host, 2e-6);
describeFamily('a family whose blocks differ', toy, toyPyramid, scaled(toyPyramid), 2e-6);
describeFamily('the family of distilled DeiTs', backboneOf(distilled), distilled, strongWeights(distilled));
describeFamily('the family of Swins', backboneOf(tinySwin), tinySwin, strongWeights(tinySwin));
describeFamily(
  'a ViT with biases of relative positions',
  backboneOf(related),
  related,
  strongWeights(related),
);
describeFamily('the family of CCTs', backboneOf(convolved), convolved, strongWeights(convolved));

describe('a family’s facts', () => {
  it('give tokens, shapes and costs that add up', () => {
    assert.equal(tokensPerImage(architecture), tokens);
    assert.equal(tokensPerImage(tinyArchitecture), 5);
    // The head of the toy reads every token, that of a ViT the class token.
    assert.deepEqual([architecture, tinyArchitecture].map(lastBlockTokens), [tokens, 1]);
    const sizes = Object.values(canonicalShapes(architecture)).map((shape) =>
      shape.reduce((a, b) => a * b, 1),
    );
    const all = modelCosts(architecture);
    assert.equal(
      all.params,
      sizes.reduce((a, b) => a + b, 0),
    );
    assert.equal(all.macs, frameCosts(architecture).macs + depth * blockCosts(architecture, 0, hidden).macs);
    assert.equal(blockCosts(architecture, 0, hidden).macs, tokens * 2 * width * hidden);
  });

  it('give every block its own sizes where blocks differ', () => {
    assert.deepEqual(hiddenUnits(toyPyramid), [20, 40, 40]);
    const sizes = [0, 1, 2].map((block) => [blockTokens(toyPyramid, block), blockWidth(toyPyramid, block)]);
    assert.deepEqual(sizes, [[16, 8], [8, 16], [8, 16]]); // prettier-ignore
    assert.equal(lastBlockTokens(toyPyramid), 8);
    assert.equal(blockCosts(toyPyramid, 1, 40).macs, 8 * 2 * 16 * 40);
    const all = modelCosts(toyPyramid);
    const parts = hiddenUnits(toyPyramid).map((units, block) => blockCosts(toyPyramid, block, units));
    const summed = parts.reduce((sum, { macs }) => sum + macs, frameCosts(toyPyramid).macs);
    assert.equal(all.macs, summed);
    assert.deepEqual(modelCosts(toyPyramid, [20, 40, 10]).params, all.params - 30 * (2 * 16 + 1));
    const [first, ...others] = toyPyramid.stages ?? [];
    const problemOf = (changes: Partial<Architecture>) => familyProblem({ ...toyPyramid, ...changes });
    assert.match(String(problemOf({ depth: 4 })), /stages of 3 blocks together, and depth 4/);
    assert.match(String(problemOf({ stages: [present(first)], depth: 1 })), /width up to 8, and width 16/);
    assert.match(String(problemOf({ family: 'vit' })), /has stages/);
    assert.equal(problemOf({ stages: [present(first), ...others] }), undefined);
  });

  it('name the FFN of every family alike', () => {
    const names = Object.keys(canonicalShapes(architecture)).filter(isFfnName);
    const expected = [0, 1, 2].flatMap((block) => ffnParts(false).map((part) => ffnNames(block)[part]));
    assert.deepEqual(names, expected);
  });

  it('are refused twice under one name, and missing under an unknown one', () => {
    assert.throws(() => registerFamily({ ...toy.family }), /two families are named toy-mixer/);
    assert.throws(
      () => familyOf({ ...architecture, family: 'unheard-of' }),
      /no family of models is named unheard-of/,
    );
  });

  it('travel with a teacher’s own file: it is read without hints, and checked tensor by tensor', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blockforge-family-'));
    try {
      const path = join(folder, 'model.safetensors');
      await writeTeacher(path, host, architecture);
      const inspection = await inspectCheckpoint(path);
      assert.deepEqual(inspection.architecture, architecture);
      assert.deepEqual(await readTeacher(inspection), host);
      await writeTeacher(
        path,
        { ...host, 'blocks.1.scale': { shape: [2], data: new Float32Array(2) } },
        architecture,
      );
      await assert.rejects(inspectCheckpoint(path), /blocks\.1\.scale \[2\] instead of \[8\].*toy-mixer/s);
      await writeTeacher(path, host, { ...architecture, family: 'unheard-of' });
      await assert.rejects(inspectCheckpoint(path), /family unheard-of.*one of vit, .*toy-mixer/s);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are named in the config of a teacher that is trained here', () => {
    const { layerNormEpsilon, gelu, ...sizes } = architecture;
    const teacher = (family: string) => ({
      train: { architecture: { ...sizes, family, layerNormEpsilon, gelu } },
    });
    const parse = (family: string) =>
      configSchema.safeParse({ teacher: teacher(family), data: { source: 'shapes' } });
    assert.deepEqual(parse('toy-mixer').data?.teacher.train?.architecture, architecture);
    assert.match(
      present(parse('unheard-of').error).message,
      /not a family of models; known: vit, .*toy-mixer/,
    );
  });

  it('are what a library’s README tells, and of a ViT how to put it into timm', async () => {
    const folder = await writtenLibrary();
    try {
      const { manifest } = await openLibrary(folder.path);
      const told = libraryReadme(manifest);
      assert.match(told, /one Vision Transformer.*fc2\(GELU\(fc1.*timm model of the same/s);
      const toys = libraryReadme({ ...manifest, teacher: { ...manifest.teacher, architecture } });
      assert.match(toys, /one toy mixer/);
      assert.doesNotMatch(toys, /Vision Transformer|norm2\(x\)|timm model/);
    } finally {
      await folder.remove();
    }
  });

  it('are named in a manifest, where the ViT needs no name', () => {
    assert.deepEqual(manifestArchitecture.parse(architecture), architecture);
    assert.deepEqual(manifestArchitecture.parse(tinyArchitecture), tinyArchitecture);
    const unknown = manifestArchitecture.safeParse({ ...architecture, family: 'unheard-of' });
    assert.match(present(unknown.error).message, /not a family of models that this version knows/);
  });

  it('do not make a graph: that is refused in words', () => {
    assert.throws(() => buildModel({} as GraphBuilder, architecture), /family toy-mixer.*no description/s);
  });
});
