import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { manifestSchema, type Manifest } from '../../../pipeline/library/manifest.ts';
import { filesOf } from '../../../pipeline/library/open.ts';
import { blockName } from '../../../pipeline/model/architecture.ts';
import { random } from '../../../pipeline/util/random.ts';
import { sha256 } from '../../../pipeline/util/hash.ts';
import { depth, hidden, images, largeManifest, scoresOf, sparsities, widths } from './large-manifest.ts';
import { present } from '../../support/present.ts';
import { largeLog } from './large-log.ts';

/** Writes what a finished run of twelve blocks and nine widths leaves for its report; weights are holes. @returns its folder */
export async function writeLargeRun(parent: string): Promise<string> {
  const folder = join(parent, 'large');
  const write = (path: string, content: unknown): string => {
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(
      place,
      content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content),
    );
    return place;
  };
  const manifest = manifestSchema.parse(largeManifest());
  for (const { path, sizeBytes } of filesOf(manifest))
    truncateSync(write(join('library', path), ''), sizeBytes);
  const text = JSON.stringify(manifest);
  write('library/manifest.json', text);
  const { log, plan, records } = largeLog(new Date('2027-03-01T20:00:00Z'));
  write('events.jsonl', log);
  write('.status/plan.json', plan);
  for (const [job, record] of Object.entries(records)) write(`${job}/done.json`, record);
  for (const [name, count] of Object.entries({
    train: 0,
    calibration: 10_000,
    selection: images,
    test: images,
  })) {
    const items = Array.from({ length: count }, (_, i) => ({
      id: `${name}/${i}.jpeg`,
      label: i % 10,
      sha256: sha256(`${name}${i}`),
    }));
    write(`data/splits/${name}.json`, { items, sha256: sha256(name) });
  }
  write('report/test/report.json', testReport(manifest, sha256(text)));
  write('report/test/answers.json', answers(manifest));
  await writeExamples(write);
  write('rank/library/ranking.json', { compositions: compositions() });
  for (let block = 0; block < depth; block++) {
    const looks = Array.from({ length: 40 }, (_, i) => ({
      ...{ step: 100 * (i + 1), seconds: 9 * (i + 1) },
      errors: sparsities.map((sparsity) => 0.002 * Math.exp(5 * sparsity) * (0.9 + 0.3 * Math.exp(-i / 6))),
    }));
    write(`distill/${blockName(block)}/history.json`, { looks });
    const descendants = manifest.blocks[block]!.descendants.slice(1).map(
      ({ width, source, heldOutError, gainOverRefit }) => ({
        ...{ width, source, heldOutError, gainOverRefit },
      }),
    );
    write(`distill/${blockName(block)}/descendants.json`, { descendants });
  }
  return folder;
}

function testReport({ uniform, allocated = [] }: Manifest, manifestSha256: string) {
  const lossOf = ({ top1DeltaPp }: { readonly top1DeltaPp: { readonly mean: number } }) => -top1DeltaPp.mean;
  const interval = (mean: number) => ({ mean, low: mean - 0.4, high: mean + 0.4 });
  return {
    images,
    manifestSha256,
    teacher: scoresOf(0),
    uniform: uniform.map(({ sparsity, refit, distilled }) => ({
      sparsity,
      pruned: scoresOf(2.5 * lossOf(refit) + 1),
      refit,
      distilled,
      gainsPp: {
        refit: interval(Math.min(20, 1.5 * lossOf(refit) + 1)),
        distilled: interval(lossOf(refit) - lossOf(present(distilled))),
      },
    })),
    allocated: allocated.map(({ sparsity, costs, scores, versusUniformPp }) => ({
      ...{ id: `allocated/${sparsity}/${costs}`, costs, sparsity, measured: scores, versusUniformPp },
    })),
  };
}

function answers({ uniform, allocated = [] }: Manifest) {
  const draw = random(2, 'answers');
  const labels = Array.from({ length: images }, (_, i) => i % 10);
  const said = (percent: number) =>
    labels.map((label) => (100 * draw.next() < percent ? label : draw.integer(10)));
  return {
    kind: 'blockforge-answers',
    split: sha256('test'),
    labels,
    models: Object.fromEntries([
      ['teacher', said(79)],
      ...uniform.flatMap(({ sparsity, refit, distilled }) => [
        [`uniform/${sparsity}/refit`, said(refit.top1Percent.mean)],
        [`uniform/${sparsity}/distilled`, said(present(distilled).top1Percent.mean)],
      ]),
      ...allocated.map(({ sparsity, costs, scores }) => [
        `allocated/${sparsity}/${costs}`,
        said(scores.top1Percent.mean),
      ]),
    ]) as Record<string, number[]>,
  };
}

function compositions() {
  const draw = random(3, 'compositions');
  return Array.from({ length: 64 }, () => {
    const chosen = Array.from({ length: depth }, () => [hidden, ...widths][draw.integer(10)]!);
    const kl = chosen.reduce((sum, units) => sum + 0.05 * (1 - units / hidden) ** 3, 0);
    const measuredLossPp = 79 * (1 - Math.exp(-((kl / 0.8) ** 1.1))) + draw.normal();
    return { widths: chosen, klIncrease: kl, measuredLossPp, standardErrorPp: 0.3 };
  });
}

/** Noise, which compresses worse than any photograph. */
async function writeExamples(write: (path: string, content: unknown) => string): Promise<void> {
  const draw = random(4, 'examples');
  const shown = async (begin: string) =>
    Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const raw = Buffer.from(Array.from({ length: 160 * 160 * 3 }, () => draw.integer(256)));
        const file = `${begin}-${i}.webp`;
        write(
          `report/test/${file}`,
          await sharp(raw, { raw: { width: 160, height: 160, channels: 3 } })
            .webp({ quality: 60 })
            .toBuffer(),
        );
        const of = (answer: number) => ({ class: answer, probability: 0.7, labelProbability: 0.2 });
        return {
          image: 10 * i,
          file,
          label: 0,
          teacher: of(begin === 'lost' ? 0 : 3),
          model: of(begin === 'lost' ? 3 : 0),
        };
      }),
    );
  write('report/test/examples.json', {
    kind: 'blockforge-examples',
    model: 'allocated/0.5/average',
    lost: { images: 312, shown: await shown('lost') },
    gained: { images: 97, shown: await shown('gained') },
  });
}
