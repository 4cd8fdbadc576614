import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openLibrary } from '../../../../pipeline/library/open.ts';
import { writeLibrary } from '../../../../pipeline/library/write.ts';
import type { Manifest } from '../../../../pipeline/library/manifest.ts';
import { loadEngine } from '../../../../pipeline/tensor/engine.ts';
import { libraryInput, temporaryFolder } from '../../../library/fixture.ts';

/** Names that would do harm in a page if they were not escaped there. */
export const classNames = ['<script>alert(1)</script>', '"a" & \'b\'', 'c', 'd'];

export interface RunFolder {
  readonly path: string;
  readonly manifest: Manifest;
  readonly write: (name: string, content: unknown) => void;
  readonly remove: () => Promise<void>;
}

const scores = (top1: number, delta: number) => ({
  images: 200,
  top1Percent: { mean: top1, low: top1 - 5, high: top1 + 5 },
  top1DeltaPp: { mean: delta, low: delta - 0.75, high: delta + 1 },
  kl: 0.01,
  agreementPercent: 97,
});

/** Written once for all tests: an engine makes its self-test. */
let written: Promise<string> | undefined;
async function writeOnce(): Promise<string> {
  await loadEngine('wasm');
  const { path } = await temporaryFolder();
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  const input = libraryInput();
  const uniform = input.uniform.map((model, index) => ({
    ...model,
    pruned: scores(50 - 20 * index, -30 - 20 * index),
    refit: scores(77 - 5 * index, -3 - 5 * index),
    distilled: scores(79 - 5 * index, -1 - 5 * index),
  }));
  await writeLibrary(path, { ...input, teacher: { ...input.teacher, classNames }, uniform });
  return path;
}

/** A library alone: what a run of long ago, or one that is not done, has left. */
export async function libraryFolder(changes: Partial<Manifest> = {}): Promise<RunFolder> {
  const library = await (written ??= writeOnce());
  const { path, remove } = await temporaryFolder();
  cpSync(library, join(path, 'library'), { recursive: true });
  const manifestFile = join(path, 'library', 'manifest.json');
  const manifest = { ...(JSON.parse(readFileSync(manifestFile, 'utf8')) as Manifest), ...changes };
  writeFileSync(manifestFile, JSON.stringify(manifest));
  const write = (name: string, content: unknown) => {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content instanceof Uint8Array ? content : JSON.stringify(content));
  };
  return { path, remove, write, manifest };
}

/** By model, what it says of eight images: classes, in the order of `labels`. */
export const labels = [0, 0, 1, 1, 2, 2, 3, 3];
export const said = {
  teacher: [0, 0, 1, 1, 2, 2, 3, 0],
  'uniform/0.5/pruned': [1, 1, 0, 0, 2, 3, 0, 0],
  'uniform/0.5/refit': [0, 1, 1, 0, 2, 2, 3, 0],
  'uniform/0.5/distilled': [0, 1, 1, 1, 2, 2, 3, 3],
  'uniform/0.75/pruned': [1, 1, 1, 1, 1, 1, 1, 1],
  'uniform/0.75/refit': [0, 1, 1, 0, 2, 0, 3, 0],
  'uniform/0.75/distilled': [0, 1, 1, 0, 2, 0, 3, 3],
  'allocated/0.5/average': [0, 0, 1, 1, 2, 2, 0, 0],
};

/** A run with everything that there may be. */
export async function runFolder(): Promise<RunFolder> {
  const run = await libraryFolder();
  const { manifestSha256, manifest } = await openLibrary(run.path, { check: 'none' });
  run.write('report/test/report.json', {
    images: 8,
    manifestSha256,
    teacher: scores(87.5, 0),
    uniform: manifest.uniform.map(({ sparsity }, index) => ({
      sparsity,
      pruned: scores(12.5, -75),
      refit: scores(62.5 - 25 * index, -25),
      distilled: scores(87.5 - 25 * index, -25 * index),
    })),
    allocated: [
      {
        ...{ id: 'allocated/0.5/average', costs: 'average', sparsity: 0.5, measured: scores(75, -12.5) },
        versusUniformPp: { mean: -12.5, low: -40, high: 20 },
      },
    ],
  });
  const { sha256: split } = manifest.data.test;
  run.write('report/test/answers.json', { kind: 'blockforge-answers', split, labels, models: said });
  const answer = (chosen: number, probability: number, labelProbability: number) => ({
    class: chosen,
    probability,
    labelProbability,
  });
  run.write('report/test/lost-01.webp', Buffer.from('RIFF\0\0\0\0WEBPVP8L'));
  run.write('report/test/examples.json', {
    kind: 'blockforge-examples',
    model: 'uniform/0.5/distilled',
    lost: {
      images: 1,
      shown: [
        {
          image: 1,
          file: 'lost-01.webp',
          label: 0,
          teacher: answer(0, 0.9, 0.9),
          model: answer(1, 0.6, 0.3),
        },
      ],
    },
    gained: {
      images: 1,
      shown: [
        {
          image: 7,
          file: 'gained-01.webp',
          label: 3,
          teacher: answer(0, 0.5, 0.4),
          model: answer(3, 0.7, 0.7),
        },
      ],
    },
  });
  run.write('rank/library/ranking.json', {
    compositions: [
      [10, 20],
      [20, 5],
      [5, 10],
      [10, 5],
    ].map((widths, index) => ({
      widths,
      klIncrease: 0.1 + index / 10,
      measuredLossPp: 1 + index,
      standardErrorPp: 0.5,
    })),
  });
  // A job for each width, and one that an earlier plan had; the narrower width kept its refit.
  const trainings: [number, string, [number, number, number]][] = [
    [10, 'trained', [0.2, 0.15, 0.1]],
    [5, 'refit', [0.4, 0.6, 0.5]],
    [5, 'trained', [9, 9, 9]],
  ];
  for (const [shard, [width, kept, kl]] of trainings.entries()) {
    run.write(`distill/shard-${shard}/history.json`, {
      steps: { planned: 20, made: 20 },
      widths: [{ width, kept, klBefore: kl[0], klAfter: Math.min(kl[1], kl[2]), precision: 'float32' }],
      looks: kl.map((value, place) => ({
        ...{ step: 10 * place, seconds: place, kl: [value], agreement: [1], errors: [] },
        ...(place > 0 && { losses: [place === 1 ? 3 : 2] }),
      })),
    });
  }
  return run;
}
