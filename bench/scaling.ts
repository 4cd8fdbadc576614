/**
 * Block-grained scaling (this library's compositions) against model-grained scaling (the same width in every block) at
 * equal accuracy: memory, MACs and latency saved over a sweep of accuracies, and what changing the model costs.
 *
 *     npm run bench -- scaling runs/demo [--split test] [--config FILE] [--levels 24] [--rounds 15] [--out FILE]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseCompositions } from '../pipeline/compose/choose.ts';
import { spaceData } from '../pipeline/compose/space-data.ts';
import { openSpace } from '../pipeline/compose/space.ts';
import { openLibrary, type Library } from '../pipeline/library/open.ts';
import { remeasure } from '../pipeline/library/remeasure.ts';
import type { MeasuredSplit } from '../pipeline/library/images.ts';
import { findSource } from '../pipeline/stages/run-records.ts';
import { modelCosts } from '../pipeline/model/costs.ts';
import { writeJsonAtomic } from '../pipeline/util/atomic.ts';
import { describeFailure, BlockForgeError, fail } from '../pipeline/util/failure.ts';
import { median } from '../pipeline/util/quantile.ts';
import { compareScaling, walk, type Candidate, type Saving } from './scaling/compare.ts';
import { timeCompositions, timeReloads, timeSwitches } from './scaling/timing.ts';

const resources = { memory: 'memory', macs: 'MACs', latency: 'latency' } as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      split: { type: 'string' },
      config: { type: 'string' },
      levels: { type: 'string', default: '24' },
      rounds: { type: 'string', default: '15' },
      threads: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const library = await openLibrary(positionals[0] ?? 'runs/demo');
  const { manifest } = library;
  const split = (values.split ?? (manifest.data.test.images > 0 ? 'test' : 'selection')) as MeasuredSplit;
  const source = await findSource(library, values.config);
  if (source === undefined) {
    return fail({
      reason: 'usage',
      subject: library.folder,
      found: 'a library outside its run',
      next: 'say where its images are: --config FILE',
    });
  }

  const teacher = manifest.blocks.map(({ descendants }) => descendants[0]!.id);
  const whole = [teacher, ...manifest.uniform.map(({ descendants }) => descendants)];
  const composed = compositions(library, Number(values.levels), whole);
  const all = [...whole, ...composed];
  const measured = await remeasure(library, source, all, {
    split,
    onProgress: ({ note }) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${note ?? ''}`),
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
  const timed = await timeCompositions(library, all, { rounds: Number(values.rounds), ...threads });

  const candidates = all.map((descendants, index): Candidate & { descendants: readonly string[] } => {
    const parts = descendants.map((id) => library.descendant(id));
    const bytes = parts.reduce((sum, { file }) => sum + file.sizeBytes, manifest.frame.sizeBytes);
    const { macs } = modelCosts(
      manifest.teacher.architecture,
      parts.map(({ width }) => width),
    );
    return {
      id: descendants.join(' '),
      descendants,
      correct: measured.models[index]!.scores.correct,
      amounts: { memory: bytes, macs, latency: timed.latencyMs[index]! },
    };
  });
  const [models, blocks] = [candidates.slice(0, whole.length), candidates.slice(whole.length)];
  const savings = Object.fromEntries(
    Object.keys(resources).map((name) => [name, compareScaling(models, blocks, name)]),
  ) as Record<keyof typeof resources, Saving>;

  const images = Array.from({ length: measured.images }, (_, image) => image);
  const steps = walk(models, blocks, 'memory', images, 50);
  const descendantsOf = ({ id }: Candidate) => id.split(' ');
  const switches = await timeSwitches(
    library,
    steps.map(({ block }) => descendantsOf(block)),
  );
  const reloads = await timeReloads(
    library,
    steps.map(({ model }) => descendantsOf(model)),
  );
  const change = {
    switches: switches.length,
    switchMs: median(switches.map(({ milliseconds }) => milliseconds)),
    switchBytes: median(switches.map(({ bytesLoaded }) => bytesLoaded)),
    reloads: reloads.length,
    reloadMs: median(reloads.map(({ milliseconds }) => milliseconds)),
    reloadBytes: median(reloads.map(({ bytesLoaded }) => bytesLoaded)),
  };

  console.log(
    [
      `${positionals[0] ?? 'runs/demo'}: ${blocks.length} compositions against ${models.length} whole models (the teacher and ${manifest.uniform.length} uniform)`,
      `accuracy on ${measured.images} ${split} images (${measured.engine.description}); latency of one image: ${timed.runtime}, ${values.threads ?? 'default'} threads`,
      '',
      '            saved at equal accuracy   by finer steps   by choosing blocks   accuracy difference*',
      ...Object.entries(resources).map(([name, title]) =>
        row(title, savings[name as keyof typeof resources]),
      ),
      '',
      '* block-grained minus model-grained, in points, on the half of the images that the choice was not made by',
      `changing the model, median: ${change.switchMs.toFixed(2)} ms and ${(change.switchBytes / 1e6).toFixed(3)} MB read by blocks (${change.switches} switches),`,
      `                            ${change.reloadMs.toFixed(2)} ms and ${(change.reloadBytes / 1e6).toFixed(3)} MB read by whole models (${change.reloads} reloads): ratio ${(change.switchMs / change.reloadMs).toFixed(3)}`,
    ].join('\n'),
  );
  if (values.out !== undefined) {
    await writeJsonAtomic(values.out, {
      library: join(library.folder, 'manifest.json'),
      split,
      images: measured.images,
      engine: measured.engine.description,
      runtime: timed.runtime,
      savings: { ...savings },
      change,
      candidates: candidates.map(({ descendants, correct, amounts }) => ({
        descendants: [...descendants],
        top1Percent: (100 * correct.reduce((sum, value) => sum + value, 0)) / correct.length,
        ...amounts,
      })),
    });
  }
}

/** Leanest compositions for evenly spaced predicted losses, up to that of the sparsest whole model. */
function compositions(
  library: Library,
  levels: number,
  whole: readonly (readonly string[])[],
): (readonly string[])[] {
  const space = openSpace(spaceData(library.manifest));
  const mostDropPp = space.compositionOf(space.blocks.map(({ length }) => length - 1)).predictedDropPp;
  const known = new Set(whole.map((ids) => ids.join(' ')));
  const found = new Map<string, readonly string[]>();
  for (let level = 0; level <= levels; level++) {
    const maxDropPp = (mostDropPp * level) / levels;
    const chosen = chooseCompositions(space, { maxDropPp });
    if ('nearest' in chosen) continue;
    const { descendants } = chosen[0]!;
    if (!known.has(descendants.join(' '))) found.set(descendants.join(' '), descendants);
  }
  return [...found.values()];
}

function row(title: string, { share, byFinerSteps, byChoosingBlocks, differencePp }: Saving): string {
  const cell = (value: number, width: number) => `${(100 * value).toFixed(1)} %`.padStart(width);
  const difference = `${differencePp >= 0 ? '+' : ''}${differencePp.toFixed(2)}`;
  return `${title.padEnd(10)}${cell(share, 25)}${cell(byFinerSteps, 17)}${cell(byChoosingBlocks, 21)}${difference.padStart(23)}`;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BlockForgeError)) throw error;
  console.error(describeFailure(error.failure));
  process.exitCode = 2;
}
