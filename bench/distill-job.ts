/**
 * One distillation job of ViT-B/16 at full size: a block of H = 3072, D = 768 to four widths, 8,192 tokens a step, random
 * weights and inputs. Prints seconds per step and the peak memory of the process.
 *
 *     npm run bench -- distill-job [steps] [engine]
 */
import { distillBlock } from '../pipeline/distill/loop.ts';
import { recipeSchema } from '../pipeline/recipe/schema.ts';
import { sampleRss } from './support/sample-rss.ts';
import { teacherExamples } from '../pipeline/distill/teacher-examples.ts';
import { sliceFfn, randomFfn } from '../pipeline/model/ffn-weights.ts';
import { loadEngine, type EngineChoice } from '../pipeline/tensor/engine.ts';
import { formatBytes } from '../pipeline/util/format.ts';
import { random } from '../pipeline/util/random.ts';

const steps = Number(process.argv[2] ?? 4);
const engine = await loadEngine((process.argv[3] ?? 'auto') as EngineChoice);
const [width, hidden, batchTokens] = [768, 3072, 8192];
const draw = random(1, 'bench');
const normals = (length: number) => Float32Array.from({ length }, () => draw.normal());
const teacher = randomFfn(width, hidden, (part) => (part.endsWith('Kernel') ? 0.03 : 0.1) * draw.normal());
const students = [0.4, 0.5, 0.6, 0.7].map((sparsity) => {
  const kept = Math.round((hidden * (1 - sparsity)) / 8) * 8;
  return {
    id: `w${kept}`,
    weights: sliceFfn(
      teacher,
      Int32Array.from({ length: kept }, (_, unit) => unit),
    ),
  };
});
const rss = sampleRss(100);
const started = performance.now();
const examples = teacherExamples({
  teacher,
  students: students.length,
  tokens: { count: 65536, width, read: (_, count) => Promise.resolve(normals(count * width)) },
  heldOut: normals(4096 * width),
  gelu: 'exact',
  batchTokens,
  seed: 1,
});
await distillBlock({
  block: 'block-00',
  students,
  examples,
  settings: { ...recipeSchema.parse({}).distill, steps },
  signal: new AbortController().signal,
  checkpoint: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
  onProgress: ({ note, metrics }) => {
    console.log(`  ${note}, ${metrics['gflopPerSecond']!.toFixed(0)} GFLOP/s`);
  },
});
examples.dispose();
const seconds = (performance.now() - started) / 1000;
console.log(
  `${engine.description}; H ${hidden}, D ${width}, ${batchTokens} tokens, ${students.length} widths`,
);
console.log(
  `${steps} steps with held-out looks in ${seconds.toFixed(1)} s; peak memory ${formatBytes(rss.stop().peakBytes)}`,
);
