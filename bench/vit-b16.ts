/**
 * The pipeline at full size: a ViT-B/16, or a model of another published name, with random weights made on the spot, images made on the
 * spot, `vit-b16.yaml`. Prints seconds and peak memory of every job. Random features keep colours apart, so classes are colours and the head
 * is made of class means: the teacher passes the gate that a random one must not pass.
 *
 *     npm run bench -- vit-b16 [calibration images] [distillation steps] [last stage] [engine] [name] [setting=value ...]
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { normalise } from '../datasets/normalise.ts';
import { sharp } from '../datasets/sharp.ts';
import { extentOf, featureWidth, headNames, type Architecture } from '../pipeline/model/architecture.ts';
import { namedArchitecture } from '../pipeline/checkpoint/architectures.ts';
import { initialWeights } from '../pipeline/model/initial-weights.ts';
import { writeTeacher } from '../pipeline/checkpoint/teacher-file.ts';
import { forward } from '../pipeline/model/encoder.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import type { Event } from '../pipeline/runner/contract.ts';
import { blocks } from '../pipeline/stages/methods.ts';
import { loadEngine, type EngineChoice } from '../pipeline/tensor/engine.ts';
import { formatBytes, formatDuration } from '../pipeline/util/format.ts';
import { random } from '../pipeline/util/random.ts';

const calibration = Number(process.argv[2] ?? 256);
const steps = Number(process.argv[3] ?? 5);
const lastStage = process.argv[4] ?? 'report';
const engine = (process.argv[5] ?? 'auto') as EngineChoice;
const classes = 10;
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], channels: 3 } as const;
const [name = 'vit_base_patch16_224', ...extra] = process.argv.slice(6);
const named = namedArchitecture(name);
if (named === undefined) throw new Error(`no ${name} among the named architectures`);
const architecture: Architecture = { ...named.facts, channels: 3, classes };
const { height: side } = extentOf(architecture.imageSize);

/** A colour per class, a little varied, under noise: uint8 [side, side, 3]. */
function picture(label: number, index: number): Uint8Array {
  const draw = random(1, 'bench', label, index);
  const base = [0, 1, 2].map((channel) => 128 + 90 * Math.cos(2 * Math.PI * (label / classes + channel / 3)));
  return Uint8Array.from({ length: side * side * 3 }, (_, i) => base[i % 3]! + 60 * (draw.next() - 0.5));
}

async function makeImages(folder: string, perClass: number): Promise<void> {
  for (let label = 0; label < classes; label++) {
    const place = join(folder, `class-${label}`);
    await mkdir(place, { recursive: true });
    for (let index = 0; index < perClass; index++) {
      const raw = { width: side, height: side, channels: 3 } as const;
      await sharp(picture(label, index), { raw })
        .jpeg()
        .toFile(join(place, `${index}.jpg`));
    }
  }
}

/** Random weights, with class means of the final features as head, or as each of two heads. */
async function makeTeacher(path: string): Promise<void> {
  await loadEngine(engine);
  const weights = initialWeights(architecture, 1);
  for (const table of ['rotary.cos', 'rotary.sin']) weights[table]?.data.fill(table === 'rotary.cos' ? 1 : 0);
  const taken = featureWidth(architecture);
  const model = uploadTeacher(weights, architecture);
  const means = Array.from({ length: classes }, (_, label) =>
    tf.tidy(() => {
      const pixels = Float32Array.from(
        [0, 1, 2, 3].flatMap((index) => [...normalise(picture(label, index), half)]),
      );
      const { features } = forward(model, tf.tensor4d(pixels, [4, side, side, 3]), {
        capture: ['pooled'],
      });
      return tf.mean(tf.reshape(features.pooled, [4, taken]), 0).dataSync<'float32'>();
    }),
  );
  model.dispose();
  const centre = means[0]!.map((_, d) => means.reduce((sum, mean) => sum + mean[d]! / classes, 0));
  const heads = headNames(architecture);
  const width = taken / heads.length;
  for (const [place, own] of heads.entries()) {
    const head = new Float32Array(classes * width);
    const bias = new Float32Array(classes);
    for (const [label, mean] of means.entries()) {
      for (let d = 0; d < width; d++) {
        const [at, middle] = [mean[place * width + d]!, centre[place * width + d]!];
        const value = 20 * (at - middle);
        head[label * width + d] = value;
        bias[label]! -= (value * (at + middle)) / 2;
      }
    }
    weights[`${own}.weight`] = { shape: [classes, width], data: head };
    weights[`${own}.bias`] = { shape: [classes], data: bias };
  }
  const size = { resize: side, resizeMode: 'shortest', interpolation: 'bicubic', crop: side } as const;
  await writeTeacher(path, weights, architecture, { ...size, ...half });
}

function runPipeline(
  cwd: string,
  settings: readonly string[],
  selection: readonly string[],
): Promise<number | null> {
  const main = join(import.meta.dirname, '..', 'pipeline', 'cli', 'main.ts');
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const sets = settings.flatMap((setting) => ['--set', setting]);
  const args = ['--import', tsx, main, '--config', 'vit-b16.yaml', '--engine', engine, ...sets, ...selection];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('close', resolve);
  });
}

const folder = await mkdtemp(join(tmpdir(), 'blockforge-vit-b16-'));
try {
  const selection = 40;
  await makeImages(join(folder, 'images'), Math.ceil((calibration + selection) / classes) + 1);
  await makeTeacher(join(folder, 'model.safetensors'));
  const settings = [
    `teacher.checkpoint=${join(folder, 'model.safetensors')}`,
    `data.path=${join(folder, 'images')}`,
    `data.splits={calibration: ${calibration}, selection: ${selection}, test: 0}`,
    `distill.duration={steps: ${steps}}`,
    `teacher.architecture=${name}`,
    ...extra,
  ];
  let code: number | null = 0;
  const stageNames = blocks.stages.map(({ name }) => name);
  for (const stage of stageNames.slice(0, stageNames.indexOf(lastStage) + 1)) {
    if (code === 0) code = await runPipeline(folder, settings, ['--only', stage]);
  }
  const log = await readFile(join(folder, 'runs', 'vit-b16', 'events.jsonl'), 'utf8');
  const events = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const peak = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'job-progress')
      peak.set(event.job, Math.max(peak.get(event.job) ?? 0, event.rssBytes));
    if (event.type === 'job-failed')
      console.log(`${event.job} failed: ${event.failure.subject}: ${event.failure.found}`);
    if (event.type !== 'job-finished') continue;
    const bytes = peak.get(event.job);
    const memory = bytes === undefined ? '' : formatBytes(bytes);
    console.log(`${event.job.padEnd(24)}${formatDuration(event.seconds).padStart(12)}  ${memory}`);
  }
  console.log(
    `exit code ${code}; peak memory of a process while it reported: ${formatBytes(Math.max(...peak.values()))}`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
