/**
 * Exchanging one block of a running model: milliseconds per switch against reading the same file alone, while
 * inferences go on all the time, and the process's memory over many switches.
 *
 *     npm run bench -- switching runs/demo [--switches 1000] [--engine onnxruntime | tfjs] [--threads N]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openLibrary, startRuntime, type RuntimeEngineName } from '../pipeline/runtime/index.ts';
import { median, quantile } from '../pipeline/util/quantile.ts';
import { random } from '../pipeline/util/random.ts';
import { pixelsPerImage } from '../pipeline/model/architecture.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    switches: { type: 'string', default: '1000' },
    engine: { type: 'string', default: 'onnxruntime' },
    threads: { type: 'string' },
  },
});
const folder = positionals[0] ?? 'runs/demo';
const count = Number(values.switches);
const library = await openLibrary(folder);
const { blocks, teacher } = library.manifest;
const runtime = await startRuntime(library, {
  engine: values.engine as RuntimeEngineName,
  ...(values.threads !== undefined && { threads: Number(values.threads) }),
});

const { channels, imageSize } = teacher.architecture;
const draw = random(1, 'switching');
const image = Float32Array.from({ length: pixelsPerImage(imageSize, channels) }, () => draw.normal());
let inferences = 0;
let stop = false as boolean;
const inferring = (async () => {
  while (!stop) {
    await runtime.predict(image);
    inferences++;
    // A turn for everything else, as between the frames of a camera.
    await new Promise(setImmediate);
  }
})();

const switching: number[] = [];
const reading: number[] = [];
const memory: { switches: number; rssMB: number; externalMB: number }[] = [];
let moved = 0;
for (let done = 0; done < count; done++) {
  const block = draw.integer(blocks.length);
  const others = blocks[block]!.descendants.filter(({ id }) => id !== runtime.descendants[block]);
  const next = others[draw.integer(others.length)]!;
  const change = runtime.use(runtime.descendants.map((id, i) => (i === block ? next.id : id)));
  switching.push(change.milliseconds);
  // The inference loop's turn: at least one runs between two switches.
  await new Promise(setImmediate);
  moved += change.bytesLoaded;
  const started = performance.now();
  readFileSync(library.pathOf(next.file));
  reading.push(performance.now() - started);
  if (done + 1 === Math.ceil(count / 10) || done + 1 === Math.ceil(count / 2) || done + 1 === count) {
    const { rss, arrayBuffers } = process.memoryUsage();
    memory.push({ switches: done + 1, rssMB: rss / 1e6, externalMB: arrayBuffers / 1e6 });
  }
}
stop = true;
await inferring;
await runtime.close();

const line = (times: readonly number[]) =>
  [0.5, 0.9, 0.99].map((share) => `p${share * 100} ${quantile(times, share).toFixed(2)} ms`).join(', ');
console.log(
  [
    `${folder}: ${count} switches of one random block to another width on ${runtime.engine}, ${inferences} inferences of one image meanwhile`,
    `a switch          ${line(switching)}; ${(moved / count / 1e3).toFixed(0)} kB read on average`,
    `reading its file  ${line(reading)}`,
    `ratio of the medians ${(median(switching) / median(reading)).toFixed(2)}`,
    ...memory.map(
      ({ switches, rssMB, externalMB }) =>
        `memory after ${String(switches).padStart(6)} switches: RSS ${rssMB.toFixed(0)} MB, of which arrays ${externalMB.toFixed(1)} MB`,
    ),
  ].join('\n'),
);
