import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import { blockTokens, lastBlockTokens, tokensPerImage } from '../../pipeline/model/architecture.ts';
import { openLibrary } from '../../pipeline/library/open.ts';
import {
  checkAdditivity,
  drawCompositions,
  fitLine,
  measureBatches,
  quantile,
  timeRounds,
  tokensOf,
} from '../../pipeline/profile/measure-onnx.js';
import { profileNames, readProfile } from '../../pipeline/profile/profile-file.ts';
import { writtenLibrary } from '../library/fixture.ts';
import { tinyArchitecture, tinyCct, tinySwin } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

const alike = <T>(one: T, count: number): T[] => Array.from({ length: count }, () => one);

describe('library/profile/measure-onnx', () => {
  it('fits the line that least squares gives, and keeps it rising', () => {
    // y = 2 + 3 x, and the same with residuals +1, -2, +1 (orthogonal to 1 and to x).
    const exact = [1, 2, 3].map((x): [number, number] => [x, 2 + 3 * x]);
    assert.deepEqual(fitLine(exact, 1), { scale: 3, offsetMs: 2 });
    const noisy = exact.map(([x, y], i): [number, number] => [x, y + [1, -2, 1][i]!]);
    close(fitLine(noisy, 1).scale, 3);
    close(fitLine(noisy, 1).offsetMs, 2);
    // A falling line, a single place, and one that is negative at the smallest model go through the origin.
    assert.deepEqual(fitLine([[1, 2], [2, 1]], 1), { scale: 4 / 5, offsetMs: 0 }); // prettier-ignore
    assert.deepEqual(fitLine([[2, 3], [2, 5]], 2), { scale: 2, offsetMs: 0 }); // prettier-ignore
    const steep: [number, number][] = [[10, 1], [11, 4]]; // prettier-ignore
    assert.equal(fitLine(steep, 10).scale, 3);
    assert.deepEqual(fitLine(steep, 9), { scale: 54 / 221, offsetMs: 0 });
  });

  it('compares whole models with frame + blocks, the last block by its own times', () => {
    const parts = {
      frame: { p50: 5, p90: 6 },
      widths: [{ width: 8, p50: 4, p90: 4 }, { width: 4, p50: 2, p90: 2 }], // prettier-ignore
      lastWidths: [{ width: 8, p50: 1, p90: 1 }, { width: 4, p50: 0.5, p90: 0.5 }], // prettier-ignore
    };
    const sums = new Map([['8,8', 10], ['4,8', 8], ['8,4', 9.5], ['4,4', 7.5]]); // prettier-ignore
    // Every model takes 1 + 1.2 x its sum, so the calibration is exact.
    const measured = [...sums].map(([key, sum]) => ({
      widths: key.split(',').map(Number),
      p50: 1 + 1.2 * sum,
      p90: 30,
    }));
    const { composed, calibration } = checkAdditivity(parts, measured);
    assert.deepEqual(
      composed.map(({ widths, use }) => [String(widths), use]),
      [['8,8', 'fit'], ['4,8', 'check'], ['8,4', 'fit'], ['4,4', 'check']], // prettier-ignore
    );
    for (const { widths, predictedMs, calibratedMs, p50 } of composed) {
      assert.equal(predictedMs, sums.get(String(widths)));
      close(calibratedMs, p50);
    }
    close(calibration.scale, 1.2);
    close(calibration.offsetMs, 1);
    close(calibration.meanAbsoluteErrorPercent.after, 0);
    const before = [8, 7.5].map((sum) => (100 * (1 + 0.2 * sum)) / (1 + 1.2 * sum));
    assert.ok(Math.abs(calibration.meanAbsoluteErrorPercent.before - (before[0]! + before[1]!) / 2) < 1e-3);
  });

  it('draws every uniform model and distinct mixtures, as many as there are', () => {
    const many = drawCompositions(alike([8, 4, 2], 6));
    assert.deepEqual(
      many.slice(0, 3),
      [8, 4, 2].map((width) => new Array<number>(6).fill(width)),
    );
    assert.equal(new Set(many.map(String)).size, 11);
    assert.ok(
      many.every((widths) => widths.length === 6 && widths.every((width) => [8, 4, 2].includes(width))),
    );
    assert.equal(drawCompositions(alike([8, 4, 2], 2)).length, 9);
    assert.deepEqual(drawCompositions(alike([8], 3)), [[8, 8, 8], [8, 8, 8]]); // prettier-ignore
  });

  it('knows of the tokens of a family what the pipeline knows, and refuses a family that it does not know', () => {
    const sizes = { imageSize: 8, patchSize: 4 };
    const facts = { all: tokensPerImage(tinyArchitecture), last: lastBlockTokens(tinyArchitecture) };
    assert.deepEqual(tokensOf(tinyArchitecture, 0), facts);
    assert.deepEqual(tokensOf({ ...sizes, family: 'vit' }, 0), { all: 5, last: 1 });
    for (const pool of ['mean', 'normed-mean'] as const) {
      const pooled = { ...tinyArchitecture, pool };
      assert.deepEqual(tokensOf(pooled, 0), { all: 5, last: lastBlockTokens(pooled) });
    }
    for (const other of [
      { ...tinyArchitecture, family: 'deit' },
      { ...tinyArchitecture, registers: 3 },
      { ...tinyArchitecture, classToken: false as const, pool: 'attention' as const },
      { ...tinyArchitecture, registers: 2, pool: 'class-and-mean' as const },
      { ...tinyArchitecture, family: 'deit', reads: 'class' as const },
      { ...tinyArchitecture, family: 'sliced-vit', distilled: true as const },
      tinyCct,
    ]) {
      assert.deepEqual(tokensOf(other, 0), { all: tokensPerImage(other), last: lastBlockTokens(other) });
    }
    for (const block of [0, 1, 2]) {
      const all = blockTokens(tinySwin, block);
      assert.deepEqual(tokensOf(tinySwin, block), { all, last: lastBlockTokens(tinySwin) });
    }
    assert.throws(() => tokensOf({ ...sizes, family: 'mixer' }, 0), /tokens of the family mixer/);
  });

  it('measures every kind of blocks where they differ, and knows each by its blocks', async () => {
    const shapes = [
      { widths: [8, 4], stream: 2, tokens: 5 },
      { widths: [16, 4], stream: 4, tokens: 5 },
      { widths: [16, 4], stream: 4, tokens: 5 },
    ];
    const asked: string[] = [];
    const [batch] = await measureBatches(shapes, [1], { warmup: 0, iterations: 1 }, () => ({
      model: (widths) => asked.push(widths.join()),
      block: (block, width, last) => asked.push(`${last ? 'last' : 'block'} ${block} ${width}`),
    }));
    const { widths, lastWidths, composed } = present(batch);
    const told = ({ width, blocks }: (typeof widths)[number]) => [width, blocks];
    assert.deepEqual(widths.map(told), [[8, [0]], [4, [0]], [16, [1, 2]], [4, [1, 2]]]); // prettier-ignore
    assert.deepEqual(lastWidths.map(told), [[16, undefined], [4, undefined]]); // prettier-ignore
    for (const part of ['block 0 8', 'block 0 4', 'block 1 16', 'block 1 4', 'last 2 16', 'last 2 4'])
      assert.ok(asked.includes(part), part);
    for (const uniform of ['8,16,16', '4,4,4']) assert.ok(asked.includes(uniform), uniform);
    assert.ok(composed.every(({ widths: [first = 0, ...others] }) => [8, 4].includes(first) && others.every((width) => [16, 4].includes(width)))); // prettier-ignore
    assert.ok(composed.every(({ predictedMs }) => predictedMs > 0));
  });

  it('interpolates quantiles', () => {
    const values = Float64Array.of(4, 1, 3, 2);
    assert.deepEqual([0, 0.5, 0.9, 1].map((share) => quantile(values, share)), [1, 2.5, 3.7, 4]); // prettier-ignore
  });

  it('runs every subject once a round, warm-up included, and stops when asked', async () => {
    const runs = [0, 0, 0];
    const subjects = runs.map((_, i) => () => {
      runs[i]!++;
    });
    const fractions: number[] = [];
    const times = await timeRounds(subjects, {
      warmup: 2,
      iterations: 3,
      onProgress: (fraction) => fractions.push(fraction),
    });
    assert.deepEqual(runs, [5, 5, 5]);
    assert.deepEqual(times.map(({ length }) => length), [3, 3, 3]); // prettier-ignore
    assert.deepEqual(fractions, [0.2, 0.4, 0.6, 0.8, 1]);
    const stop = new AbortController();
    const stopping = timeRounds([() => stop.abort(new Error('enough'))], {
      warmup: 0,
      iterations: 100,
      signal: stop.signal,
    });
    await assert.rejects(stopping, /enough/);
  });

  it('asks a runtime for each part at each batch size', async () => {
    const asked = new Set<string>();
    const shapes = alike({ widths: [8, 4], stream: 2, tokens: 5 }, 2);
    const batches = await measureBatches(shapes, [4, 1, 4], { warmup: 0, iterations: 2 }, (batch) => ({
      model: (widths) => asked.add(`${batch}: model ${widths.join()}`),
      block: (_, width, last) => asked.add(`${batch}: ${last ? 'last' : 'block'} ${width}`),
    }));
    assert.deepEqual(
      batches.map(({ batchSize }) => batchSize),
      [1, 4],
    );
    const parts = [
      'block 8',
      'block 4',
      'last 8',
      'last 4',
      ...['1,1', '8,8', '4,4', '8,4', '4,8'].map((m) => `model ${m}`),
    ];
    assert.deepEqual([...asked].sort(), [1, 4].flatMap((batch) => parts.map((part) => `${batch}: ${part}`)).sort()); // prettier-ignore
    for (const { composed, widths, lastWidths } of batches) {
      assert.equal(composed.length, 4);
      assert.deepEqual([widths, lastWidths].map((list) => list.map(({ width }) => width)), [[8, 4], [8, 4]]); // prettier-ignore
    }
  });

  describe('as profile.mjs of a library', () => {
    let folder: Awaited<ReturnType<typeof writtenLibrary>> | undefined;
    before(async function () {
      if (!(await hasOnnxRuntime())) this.skip();
      folder = await writtenLibrary();
    });
    after(() => folder?.remove());

    /** As on a device: plain Node.js, no part of this code base. The package is found from the current folder. */
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(present(folder).path, 'profile.mjs'), ...args], { encoding: 'utf8' });

    it('measures a library that is nowhere near this code base, and its profile is taken in', async () => {
      const { status, stdout, stderr } = run(
        '--batch',
        '2,1',
        '--iterations',
        '2',
        '--threads',
        '1',
        '--name',
        'board',
      );
      assert.equal(stderr, '');
      assert.equal(status, 0);
      assert.match(stdout, /^batch 1: frame .*\nbatch 2: .*\n.*board\.json\n$/);
      const library = await openLibrary(present(folder).path, { check: 'hashes' });
      assert.deepEqual(await profileNames(library), ['board']);
      const profile = await readProfile(join(present(folder).path, 'profiles', 'board.json'), library);
      assert.deepEqual(
        [profile.device.name, profile.runtime.name, profile.runtime.threads, profile.iterations],
        ['board', 'onnxruntime', 1, 2],
      );
      assert.deepEqual(
        profile.batches.map(({ batchSize }) => batchSize),
        [1, 2],
      );
      for (const { widths, composed } of profile.batches) {
        assert.deepEqual(
          widths.map(({ width }) => width),
          [20, 10, 5],
        );
        assert.equal(composed.length, 9);
      }
    });

    it('refuses what it cannot use in one line, and leaves nothing', async () => {
      const before = await readdir(present(folder).path, { recursive: true });
      const expected: [string[], RegExp][] = [
        [['--batch', '0'], /^error: --batch 0: expected a whole number, 1 or more\n$/],
        [['--name', '../x'], /^error: --name \.\.\/x: expected letters/],
        [['--nonsense'], /^error: Unknown option '--nonsense'/],
      ];
      for (const [args, message] of expected) {
        const { status, stderr } = run(...args);
        assert.equal(status, 1);
        assert.match(stderr, message);
      }
      assert.match(run('--help').stdout, /node profile\.mjs .*--threads N/);
      assert.deepEqual(await readdir(present(folder).path, { recursive: true }), before);
      const manifest = join(present(folder).path, 'manifest.json');
      const text = await readFile(manifest, 'utf8');
      await writeFile(manifest, '{"kind": "blockforge-library"}');
      try {
        assert.match(
          run().stderr,
          /^error: .*manifest\.json: the library has no ONNX graphs; export it again/,
        );
      } finally {
        await writeFile(manifest, text);
      }
    });
  });
});

function close(found: number, expected: number): void {
  assert.ok(Math.abs(found - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${found} != ${expected}`);
}
