import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pairedScoresPp } from '../../../../pipeline/measure/interval.ts';
import type { ChartPart, Part, ReportPage, TablePart } from '../../../../pipeline/report/page.ts';
import { blocksReport } from '../../../../pipeline/stages/blocks/page/blocks-report.ts';
import { present } from '../../../support/present.ts';
import { classNames, labels, libraryFolder, runFolder, said, type RunFolder } from './run-folder.ts';

const sectionOf = (page: ReportPage, id: string) =>
  present(page.sections.find((section) => section.id === id));
const partsOf = <K extends Part['kind']>(page: ReportPage, id: string, kind: K) =>
  sectionOf(page, id).parts.filter((part): part is Extract<Part, { kind: K }> => part.kind === kind);
const ids = (page: ReportPage) => page.sections.map(({ id }) => id);
const column = ({ columns, rows }: TablePart, title: string) => {
  const index = columns.findIndex((each) => each.title === title);
  assert.ok(index >= 0, title);
  return rows.map((row) => present(row[index]).value ?? present(row[index]).text);
};
const spoken = (chart: ChartPart): string => JSON.stringify(chart.spec);

describe('the page of a run of blocks', () => {
  let run: RunFolder;
  let page: ReportPage;
  before(async () => {
    run = await runFolder();
    page = present(await blocksReport.page(run.path));
  });
  after(() => run.remove());

  it('says first what the test split says of the recommended model, with intervals', () => {
    const [first] = page.headline;
    assert.match(present(first), /87\.5 % \[82\.5, 92\.5\] of 8 test images/);
    assert.match(present(first), /recommended smaller model \(50 % .* distilled\)/);
    const numbers = page.headline.join(' ').match(/\d(?=[^[\]]* pp(?! \[))/g) ?? [];
    assert.deepEqual(numbers, [], 'every difference has its interval');
  });

  it('lists every whole model with the manifest’s costs and the report’s numbers', () => {
    const [table] = partsOf(page, 'result', 'table');
    const { manifest } = run;
    assert.deepEqual(column(present(table), 'parameters'), [
      manifest.teacher.params,
      ...manifest.uniform.flatMap(({ params }) => [params, params, params]),
      ...present(manifest.allocated).map(({ params }) => params),
    ]);
    assert.deepEqual(
      column(present(table), 'top-1 on test, %'),
      [87.5, 12.5, 62.5, 87.5, 12.5, 37.5, 62.5, 75],
    );
    assert.deepEqual(
      column(present(table), 'model').filter((name) => String(name).startsWith('★')),
      ['★ uniform 50 %, distilled'],
    );
  });

  it('tells what each step gave, paired over what the models said', () => {
    const [chart] = partsOf(page, 'result', 'chart');
    const right = (id: keyof typeof said) =>
      said[id].map((place, image) => (place === labels[image] ? 1 : 0));
    const refit = pairedScoresPp(right('uniform/0.5/refit'), right('uniform/0.5/pruned'));
    const { rows } = present(present(chart).numbers);
    assert.deepEqual(
      rows.map(([, step, gain]) => [step?.text, gain?.value]),
      [
        ['refit against cut only', refit.mean],
        ['distilled against refit', 25],
        ['allocated against uniform of its size', -12.5],
        ['refit against cut only', 25],
        ['distilled against refit', 12.5],
      ],
    );
    assert.equal(rows[0]?.[2]?.text, `+50.0 [+${refit.low.toFixed(1)}, +${refit.high.toFixed(1)}]`);
  });

  it('has the ranking as it stands in the manifest', () => {
    const [table] = partsOf(page, 'library', 'table');
    const { entries } = run.manifest.ranking;
    assert.equal(present(table).interactive, true);
    assert.deepEqual(
      column(present(table), 'rank'),
      entries.map(({ overallRank }) => overallRank),
    );
    assert.deepEqual(
      column(present(table), 'saves'),
      entries.map(({ savedPercent }) => savedPercent),
    );
  });

  it('maps blocks and widths to what they cost, each cell with its interval and its descendant', () => {
    const [losses] = partsOf(page, 'blocks', 'heat-map');
    const cells = present(losses).rows.flatMap((row) => row.cells.map((cell) => present(cell)));
    const narrow = run.manifest.blocks.flatMap(({ descendants }) => descendants.slice(1));
    assert.deepEqual(
      cells.map(({ id, value }) => [id, value]),
      narrow.map(({ id, deltas }) => [id, 0 - present(deltas.average).top1Pp.mean]),
    );
    for (const { hover } of cells) assert.match(hover, /loses \d+\.\d pp \[\d+\.\d, \d+\.\d\]; KL added/);
  });

  it('draws every measured model and random composition, but for what was only cut where a chart of its own has it', () => {
    const [params, test] = partsOf(page, 'trade-off', 'chart');
    assert.doesNotMatch(spoken(present(params)), /cut only/);
    assert.match(spoken(present(test)), /cut only/);
    for (const { widths } of [{ widths: '10 20' }, { widths: '5 10' }]) {
      assert.ok(spoken(present(params)).includes(`random composition ${widths}:`));
    }
    assert.deepEqual(present(params).chosen, { x: 'params' });
    assert.equal(partsOf(page, 'trade-off', 'chart').length, 5);
  });

  it('follows the training of every width, from the refit on: KL and loss', () => {
    const [, curves, losses] = partsOf(page, 'training', 'chart');
    const pointsOf = (chart: typeof curves, width: number) => {
      const { data } = present(chart).spec as unknown as {
        data: { values: { x: number; y: number; says: string }[] };
      };
      return data.values.filter(({ says }) => says.startsWith(`width ${width}:`)).map(({ x, y }) => [x, y]);
    };
    const narrow = [
      [0, 0.4],
      [10, 0.6],
      [20, 0.5],
    ];
    assert.deepEqual(pointsOf(curves, 5), narrow, 'of the job that has this width now');
    assert.match(spoken(present(curves)), /width 5: [^;]*; the refit was kept/);
    const lost = [
      [10, 3],
      [20, 2],
    ];
    assert.deepEqual(pointsOf(losses, 10), lost);
    const gains = present(partsOf(page, 'training', 'heat-map')[0]);
    assert.equal(gains.rows[0]?.cells[0]?.text, '20 %');
  });

  it('shows images with their answers; names of classes go through as they are', () => {
    const [lost, gained] = partsOf(page, 'examples', 'gallery');
    const [image] = present(lost).images;
    assert.match(present(image).source, /^data:image\/webp;base64,UklGRg/);
    assert.deepEqual(present(image).lines, [
      classNames[0],
      `teacher: ${classNames[0]} 90 %`,
      `small: ${classNames[1]} 60 % (its class: 30 %)`,
    ]);
    // Its picture is gone: its lines stay.
    assert.equal(present(gained).images[0]?.source, '');
    assert.equal(present(gained).images[0]?.lines[0], classNames[3]);
  });

  it('names the classes that pay, first the one that loses most', () => {
    const [table] = partsOf(page, 'classes', 'table');
    assert.deepEqual(column(present(table), 'class'), [
      classNames[0],
      classNames[1],
      classNames[2],
      classNames[3],
    ]);
    assert.deepEqual(column(present(table), 'change, pp'), [-50, 0, 0, 50]);
  });

  it('is compared by its test split, with what its models said', async () => {
    const compared = present(await blocksReport.compared(run.path));
    assert.equal(compared.split.name, 'test');
    assert.equal(compared.split.sha256, run.manifest.data.test.sha256);
    const asked = Object.keys(present(compared.answers).models).sort();
    assert.deepEqual(compared.models.map(({ id }) => id).sort(), asked);
    assert.equal(compared.models.find(({ id }) => id === 'uniform/0.5/refit')?.top1Percent.mean, 62.5);
  });

  it('is of one run: what the report of another library says is passed over', async () => {
    const other = await runFolder();
    try {
      other.write('report/test/report.json', { images: 8, manifestSha256: 'another' });
      const found = present(await blocksReport.page(other.path));
      assert.match(present(found.headline[0]), /200 selection images/);
      assert.ok(!ids(found).includes('examples') && !ids(found).includes('classes'));
    } finally {
      await other.remove();
    }
  });
});

describe('the page of a run that left less behind', () => {
  it('is none without a library', async () => {
    const run = await libraryFolder();
    try {
      rmSync(join(run.path, 'library'), { recursive: true });
      assert.equal(await blocksReport.page(run.path), undefined);
      assert.equal(await blocksReport.compared(run.path), undefined);
    } finally {
      await run.remove();
    }
  });

  it('has what the library alone tells, of the selection split, and no part without its numbers', async () => {
    const run = await libraryFolder();
    try {
      run.write('distill/shard-0/history.json', ['not a history']);
      run.write('rank/library/ranking.json', { compositions: [{ widths: 'none' }] });
      const page = present(await blocksReport.page(run.path));
      assert.deepEqual(ids(page), [
        'result',
        'budget',
        'trade-off',
        'blocks',
        'library',
        'training',
        'checks',
      ]);
      assert.match(present(page.headline[0]), /200 selection images/);
      assert.match(sectionOf(page, 'result').lead ?? '', /the config asks for no test images/);
      assert.match(spoken(present(partsOf(page, 'trade-off', 'chart')[0])), /cut only/);
      const compared = present(await blocksReport.compared(run.path));
      assert.equal(compared.split.name, 'selection');
      assert.equal(compared.answers, undefined);
    } finally {
      await run.remove();
    }
  });

  it('says so where a block failed and no whole model was measured', async () => {
    const run = await libraryFolder({ uniform: [], allocated: undefined, contexts: undefined });
    try {
      const page = present(await blocksReport.page(run.path));
      assert.match(
        present(page.headline[0]),
        /^The teacher is right on 80\.0 % \[74\.0, 85\.0\] of 200 selection images\.$/,
      );
      assert.equal(page.headline.length, 1);
      assert.equal(await blocksReport.compared(run.path), undefined);
    } finally {
      await run.remove();
    }
  });
});
