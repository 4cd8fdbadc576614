import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HeatMapPart, Part, ReportPage, TablePart } from '../../../../pipeline/report/page.ts';
import { renderPage } from '../../../../pipeline/report/render-page.ts';
import { fleetsReport } from '../../../../pipeline/stages/fleets/page/fleets-report.ts';
import { BlockForgeError } from '../../../../pipeline/util/failure.ts';
import { present } from '../../../support/present.ts';
import { answers, fleet, labels, models, report, split, writeRun } from './fixture.ts';

describe('what fleets say in the report of a run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fleets-page-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const pageOf = async (other: Readonly<Record<string, unknown>> = {}) =>
    present(await fleetsReport('ed-vit').page(writeRun(folder, other)));
  const parts = (page: ReportPage, id: string) => page.sections.find((one) => one.id === id)?.parts ?? [];
  const find = <K extends Part['kind']>(all: readonly Part[], kind: K, words: RegExp) =>
    present(
      all.find(
        (part): part is Extract<Part, { kind: K }> =>
          part.kind === kind &&
          words.test('caption' in part ? part.caption : 'title' in part ? part.title : ''),
      ),
    );
  const texts = ({ rows }: TablePart) => rows.map((row) => row.map(({ text }) => text));
  const notices = (page: ReportPage) =>
    parts(page, 'notices')
      .flatMap((part) => (part.kind === 'notices' ? part.notices.map(({ text }) => text) : []))
      .join('\n');

  it('tells of the fleet beside the teacher, the largest device, a lost one and the small model of its cost', async () => {
    const { headline, sections } = await pageOf();
    assert.match(
      headline[0] ?? '',
      /among the same 4 classes, has 75\.0 % .* the 2 devices, fused, 83\.3 % .*\+8\.3 pp/,
    );
    assert.match(headline[0] ?? '', /no difference that these images could tell/);
    assert.match(
      headline[1] ?? '',
      /100 kB \(1\/8\.0 of the teacher\).*all together hold 200 kB \(1\/4\.0\)/,
    );
    assert.match(
      headline[1] ?? '',
      /without pi-01, the worst to lose, 50\.0 % .*−33\.3 pp .* against the whole fleet/,
    );
    assert.match(
      headline[2] ?? '',
      /costs as much as all devices together has 75\.0 %.*the fleet has \+8\.3 pp/,
    );
    assert.deepEqual(
      sections.map(({ id }) => id),
      ['notices', 'result', 'devices', 'lost', 'confusion', 'submodels', 'training', 'burden'],
    );
  });

  it('shows the numbers of report.json', async () => {
    const page = await pageOf();
    const result = find(parts(page, 'result'), 'table', /Whole models/);
    assert.deepEqual(
      result.rows.map(([name, right]) => [name?.text, right?.value]),
      [
        ["teacher, among the data's classes", report.teacher.restrictedPercent?.mean],
        ['two, fused', fleet.fused.top1Percent.mean],
        ['small model, cost of all devices', fleet.small[0]?.top1Percent.mean],
      ],
    );
    const lost = find(parts(page, 'lost'), 'table', /Without each/);
    assert.deepEqual(
      lost.rows.map(([, right, against]) => [right?.value, against?.value]),
      fleet.devices.map((device) => [device.lost?.top1Percent.mean, device.lost?.againstPp.mean]),
    );
    const own = find(parts(page, 'submodels'), 'table', /Sub-models on/);
    assert.deepEqual(own.rows[0]?.map(({ value }) => value).slice(1, 6), [
      6,
      fleet.submodels[0]?.teacherPercent.mean,
      fleet.submodels[0]?.start.top1Percent.mean,
      fleet.submodels[0]?.trained.top1Percent.mean,
      fleet.submodels[0]?.trained.againstPp.mean,
    ]);
    assert.match(
      texts(find(parts(page, 'burden'), 'table', /per fleet/)).join(),
      /two,0\.50 ms,4\.00 ms,6\.14 kB,256 B/,
    );
  });

  it('maps confusion before and after, and colours what got worse apart from what got better', async () => {
    const all = parts(await pageOf(), 'confusion');
    const cells = ({ rows }: HeatMapPart) => rows.map((row) => row.cells.map((cell) => cell?.text ?? ''));
    assert.deepEqual(cells(find(all, 'heat-map', /Before/)), [
      ['67', '33', '', ''],
      ['', '100', '', ''],
      ['', '', '67', '33'],
      ['', '', '33', '67'],
    ]);
    const change = find(all, 'heat-map', /Change/);
    assert.deepEqual(cells(change), [
      ['+33', '−33', '', ''],
      ['+33', '−33', '', ''],
      ['', '', '', ''],
      ['', '', '−33', '+33'],
    ]);
    const signs = change.rows.map(({ cells: row }) => row.map((cell) => Math.sign(cell?.value ?? 0)));
    assert.deepEqual(signs, [
      [-1, -1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 0, 0],
      [0, 0, -1, -1],
    ]);
    assert.deepEqual(texts(find(all, 'table', /one another/))[0], [
      'car and bus',
      'one sub-model',
      '6',
      '2',
      '1',
      '−1',
    ]);
  });

  it('says what each device takes of its own classes and of others, and who knows what', async () => {
    const page = await pageOf();
    const lost = find(parts(page, 'lost'), 'table', /Without each/);
    assert.deepEqual(
      lost.rows.map((row) => row.slice(3).map(({ value }) => Math.round(Number(value)))),
      [
        [-25, -50, 0],
        [-33, -67, 0],
      ],
    );
    const map = find(parts(page, 'devices'), 'heat-map', /Who knows/);
    assert.deepEqual(
      map.rows.map(({ title, cells }) => [title, ...cells.map((cell) => cell?.text ?? '')]),
      [
        ['pi-00', '100', '67', '', ''],
        ['pi-01', '', '', '67', '100'],
      ],
    );
    assert.match(
      find(parts(page, 'lost'), 'chart', /Right without/).alternative,
      /pi-01 takes most with it: 83\.3 % .* before, 16\.7 %/,
    );
  });

  it('shows trainings and the heads that were chosen among; a model that was not trained has none', async () => {
    const all = parts(await pageOf(), 'training');
    assert.match(
      find(all, 'chart', /while training/).alternative,
      /two-00 50\.0 % at the start, 75\.0 % at step 10/,
    );
    assert.equal(find(all, 'table', /every training/).rows.length, 1);
    assert.deepEqual(texts(find(all, 'table', /Heads/)), [['tower (chosen)', '75.0 %', '1.000', '37.5 %']]);
  });

  it('leaves out what needs the answers of every image where they are missing, broken or of other images, and says so', async () => {
    const others = [
      null,
      { kind: 'something' },
      { ...answers, split: 'cd'.repeat(32) },
      { ...answers, models: { ...models, teacher: labels.map(() => 4) } },
    ];
    for (const other of others) {
      rmSync(folder, { recursive: true });
      const page = await pageOf({ 'report/test/answers.json': other });
      assert.match(notices(page), /What every model said of every image is not here/);
      assert.deepEqual(parts(page, 'confusion'), []);
      assert.equal(find(parts(page, 'lost'), 'table', /Without each/).columns.length, 3);
      assert.ok(find(parts(page, 'devices'), 'heat-map', /Who knows/).rows[0]?.cells[0]?.text === '●');
    }
  });

  it('says why there is little to see: no test split, failed fleets, one device, no report yet', async () => {
    const none = {
      ...report,
      images: 0,
      fleets: [],
      teacher: { ...report.teacher, restrictedPercent: null },
    };
    const untested = await pageOf({ 'report/test/report.json': none });
    assert.match(untested.headline.join(), /no test images/);
    assert.match(notices(untested), /data\.splits\.test/);
    assert.deepEqual(
      untested.sections.map(({ id }) => id),
      ['notices'],
    );
    assert.equal(await fleetsReport('ed-vit').compared(folder), undefined);

    const failed = await pageOf({ 'report/test/report.json': { ...report, fleets: [], missing: ['two'] } });
    assert.match(notices(failed), /a job of theirs failed: two/);

    const devices = fleet.devices.slice(0, 1).map((device) => ({ ...device, lost: undefined }));
    const single = await pageOf({
      'report/test/report.json': { ...report, fleets: [{ ...fleet, devices, lost: undefined }] },
    });
    assert.deepEqual(parts(single, 'lost'), []);

    assert.equal(await fleetsReport('devit').page(folder), undefined, 'of another method');
    rmSync(folder, { recursive: true });
    assert.equal(await fleetsReport('ed-vit').page(folder), undefined);
  });

  it('refuses a report that is none, with its place', async () => {
    const broken = { ...report, fleets: [{ ...fleet, devices: 'many' }] };
    await assert.rejects(
      pageOf({ 'report/test/report.json': broken }),
      (error) =>
        error instanceof BlockForgeError &&
        /report\.json/.test(error.message) &&
        /fleets\.0\.devices/.test(error.message),
    );
  });

  it('draws hostile names as text, and looks for nothing outside of the run', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const named = {
      ...report,
      classes: [evil, '__proto__', 'constructor', '</script>'],
      fleets: [{ ...fleet, submodels: fleet.submodels.map((one) => ({ ...one, name: `../../${evil}` })) }],
      missing: [evil],
    };
    const page = await pageOf({ 'report/test/report.json': named });
    // Charts are drawn by another, and cost seconds.
    const sections = page.sections.map((section) => ({
      ...section,
      parts: section.parts.filter(({ kind }) => kind !== 'chart'),
    }));
    const html = await renderPage({ ...page, sections });
    assert.ok(!html.includes('<img src=x'));
    assert.ok(html.includes('&lt;img src=x'));
  });

  it('can be set beside other runs, image by image', async () => {
    writeRun(folder);
    const compared = present(await fleetsReport('ed-vit').compared(folder));
    assert.deepEqual(compared.split, { name: 'test', sha256: split });
    assert.deepEqual(
      compared.models.map(({ id, kind, macs, top1Percent }) => [
        id,
        kind,
        macs,
        Math.round(top1Percent.mean),
      ]),
      [
        ['teacher', 'teacher', 1e7, 75],
        ['two/fused', 'fused', 2e6, 83],
        ['two/small/total', 'small', 2e6, 75],
      ],
    );
    for (const { id } of compared.models) assert.ok(compared.answers?.models[id], id);
  });
});
