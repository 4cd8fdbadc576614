/**
 * ONNX Runtime's ways to compute (its "execution providers"), on a ViT-Tiny as a library exports it. Sends rows to `bench/gpu-check.ts`.
 *
 *     node --import tsx bench/gpu-check/onnx.ts [seconds]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelOnnx } from '../../pipeline/graphs/files.ts';
import { loadOnnxRuntime, type OnnxRuntime } from '../../pipeline/graphs/onnx-runtime.ts';
import { storedWeights } from '../../pipeline/graphs/weight-places.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { milliseconds, quickModel } from './quick-model.ts';
import { guarded, sendRows, type Row } from './row.ts';
import { relativeError } from './sample.ts';

const seconds = Number(process.argv[2] ?? 1);
const model = 'vit_tiny_patch16_224';
const side = 224;

async function run(runtime: OnnxRuntime, path: string, provider: string, batch: number) {
  const session = await runtime.InferenceSession.create(path, { executionProviders: [provider] });
  const images = new Float32Array(batch * 3 * side * side).map((_, i) => (i % 255) / 255 - 0.5);
  const feeds = { images: new runtime.Tensor('float32', images, [batch, 3, side, side]) };
  const { logits } = await session.run(feeds);
  const values = Float32Array.from(logits?.data as Float32Array);
  const ms = await milliseconds(async () => session.run(feeds), seconds);
  await session.release();
  return { values, rate: (batch / ms) * 1e3 };
}

const runtime = await loadOnnxRuntime();
if (typeof runtime === 'string') {
  sendRows([{ label: 'loads', text: `NO: ${runtime}`, failed: true }]);
} else {
  const backends = runtime.listSupportedBackends();
  const listed = backends.map(({ name, bundled }) => (bundled ? name : `${name} (not bundled)`)).join(', ');
  sendRows([{ label: 'providers', text: listed }]);
  const folder = await mkdtemp(join(tmpdir(), 'blockforge-gpu-check-'));
  try {
    const { architecture, weights } = quickModel(model);
    const file = join(folder, 'weights.safetensors');
    await writeSafetensors(file, weights);
    const path = join(folder, 'model.onnx');
    await writeFile(
      path,
      modelOnnx(architecture, await storedWeights(file, 'weights.safetensors'), 'gpu-check'),
    );
    let reference: Float32Array | undefined;
    for (const { name, bundled } of backends) {
      if (!bundled) continue;
      const rows = await guarded(name, async (): Promise<Row> => {
        const batch = name === 'cpu' ? 8 : 64;
        const { values, rate } = await run(runtime, path, name, batch);
        reference ??= values;
        // The first images are the same; batches differ in their number alone.
        const error = relativeError(values.subarray(0, 1000), reference.subarray(0, 1000));
        const far = error > 1e-3;
        return {
          label: name,
          text: `${model}, ${batch}: ${rate.toFixed(1)} images/s; ${error.toExponential(1)} from cpu ${far ? 'TOO FAR' : 'ok'}`,
          ...{ value: rate, unit: 'images/s', failed: far },
        };
      });
      sendRows(rows);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
