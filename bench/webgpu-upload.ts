/**
 * What the host needs to hand 64 images to the webgpu engine: the way of tfjs-backend-webgpu against ours (pipeline/tensor/webgpu/staging.ts), which take
 * turns; the best of 20 counts.
 *
 *     npm run bench -- webgpu-upload [images]
 */
import * as tf from '@tensorflow/tfjs-core';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import type { Backend } from '../pipeline/tensor/webgpu/types.ts';

const images = Number(process.argv[2] ?? 64);
const { description } = await loadEngine('webgpu');
tf.env().set('WEBGPU_CPU_FORWARD', false);
const backend = tf.backend() as unknown as Backend;
const stock = Object.getPrototypeOf(backend) as Pick<Backend, 'uploadToGPU'>;
const values = new Float32Array(images * 224 * 224 * 3).fill(0.5);
const ways = {
  stock: (dataId: object) => stock.uploadToGPU.call(backend, dataId),
  ours: (dataId: object) => backend.uploadToGPU(dataId),
};
const best = {
  stock: { wall: Infinity, processor: Infinity },
  ours: { wall: Infinity, processor: Infinity },
};
for (let round = 0; round < 22; round++) {
  for (const way of ['stock', 'ours'] as const) {
    const tensor = tf.tensor1d(values);
    const [began, processor] = [performance.now(), process.cpuUsage()];
    ways[way](tensor.dataId);
    tf.tidy(() => void tf.slice(tensor, [0], [1]).dataSync());
    const { user, system } = process.cpuUsage(processor);
    if (round >= 2) {
      best[way].wall = Math.min(best[way].wall, performance.now() - began);
      best[way].processor = Math.min(best[way].processor, (user + system) / 1e3);
    }
    tensor.dispose();
  }
}
console.log(`${description}; ${images} images of 224 x 224 x 3, ${(values.byteLength / 1e6).toFixed(1)} MB`);
for (const [way, { wall, processor }] of Object.entries(best))
  console.log(`  ${way.padEnd(8)}${wall.toFixed(2)} ms, ${processor.toFixed(2)} ms of processor time`);
const ratio = (what: 'wall' | 'processor'): string => (best.stock[what] / best.ours[what]).toFixed(2);
console.log(`  ours is ${ratio('wall')} times as fast, ${ratio('processor')} times by processor time`);
