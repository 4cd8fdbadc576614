import assert from 'node:assert/strict';
import { pairedDifferencePp, proportionPercent } from '../../../pipeline/measure/interval.ts';
import { unpairedDifferencePp } from '../../../pipeline/measure/unpaired-difference.ts';
import { comparePage } from '../../../pipeline/report/compare/compare-page.ts';
import { difference } from '../../../pipeline/report/compare/difference.ts';
import { matchModels } from '../../../pipeline/report/compare/match-models.ts';
import {
  teachersWeights,
  type ComparedModel,
  type ComparedRun,
} from '../../../pipeline/report/compared-run.ts';
import type { Part, ReportPage, TablePart } from '../../../pipeline/report/page.ts';
import { sha256 } from '../../../pipeline/util/hash.ts';
import { present } from '../../support/present.ts';

const images = 1000;
const labels = Array.from({ length: images }, (_, i) => i % 10);
/** Wrong in those images. */
const wrongIn = (...ranges: readonly (readonly [number, number])[]) =>
  labels.map((label, i) => (ranges.some(([from, to]) => i >= from && i < to) ? (label + 1) % 10 : label));
const split = sha256('images');

interface Change extends Partial<ComparedRun> {
  readonly said?: Readonly<Record<string, readonly number[]>> | null;
}

function run(name: string, { said = { small: wrongIn([0, 100]) }, ...change }: Change = {}): ComparedRun {
  const models = Object.entries(said ?? {}).map(([id, answers]): ComparedModel => {
    const right = answers.filter((answer, i) => answer === labels[i]).length;
    return {
      id,
      label: id,
      kind: 'refit',
      params: 1e6,
      macs: 2e8,
      top1Percent: proportionPercent(right, images),
    };
  });
  return {
    name,
    method: 'blocks',
    facts: [
      { label: 'Teacher', value: 'a ViT' },
      { label: 'Engine', value: 'wasm' },
      { label: 'Seed', value: name },
    ],
    images,
    split: { name: 'test', sha256: split },
    confidence: 0.95,
    models,
    answers: { kind: 'blockforge-answers', split, labels, models: said ?? {} },
    ...change,
  };
}

const partsOf = ({ sections }: ReportPage): Part[] => sections.flatMap(({ parts }) => [...parts]);
const tableOf = (page: ReportPage, caption: RegExp): TablePart =>
  present(
    partsOf(page).find((part): part is TablePart => part.kind === 'table' && caption.test(part.caption)),
  );
const textsOf = ({ rows }: TablePart) => rows.map((row) => row.map(({ text }) => text));
const warningsOf = (page: ReportPage) =>
  partsOf(page).flatMap((part) =>
    part.kind === 'notices' ? part.notices.map(({ level, text }) => `${level}: ${text}`) : [],
  );

describe('report/compare', () => {
  const a = run('a', { said: { small: wrongIn([0, 100]) } });
  // Has 40 more right, and 25 others wrong.
  const b = run('b', { said: { small: wrongIn([40, 125]) } });
  const ofFirst = (of: ComparedRun) => ({ run: of, model: present(of.models[0]) });

  it('pairs what was said of the same images', () => {
    const found = difference(ofFirst(a), ofFirst(b));
    assert.ok(found.isPaired);
    assert.deepEqual(
      { ...found, isPaired: undefined },
      { ...pairedDifferencePp(40, 25, images), isPaired: undefined },
    );
    assert.equal(found.mean, 1.5);
    const [row] = textsOf(tableOf(comparePage([a, b]), /against a/));
    assert.deepEqual(present(row).slice(0, 3), ['small', 'b', '+1.50']);
    assert.equal(present(row)[4], 'paired, 1,000 images');
    assert.match(
      present(comparePage([a, b]).headline[0]),
      /of 1 model in both \(paired\), 0 better, 0 worse, 1 not told apart/,
    );
  });

  it('pairs those images only that both were asked', () => {
    const part = wrongIn([40, 125]).map((answer, i) => (i < 500 ? answer : -1));
    const found = difference(ofFirst(a), ofFirst(run('c', { said: { small: part } })));
    assert.equal(found.images, 500);
    assert.equal(found.mean, 3);
    const none = difference(ofFirst(a), ofFirst(run('c', { said: { small: labels.map(() => -1) } })));
    assert.ok(!none.isPaired && none.why === 'no image that both were asked');
  });

  it('takes the intervals apart where the images are others, or the answers are not kept', () => {
    const expected = unpairedDifferencePp(present(b.models[0]).top1Percent, present(a.models[0]).top1Percent);
    // By hand: Wilson's limits of 90.0 and 91.5 % of 1,000 images.
    assert.ok(
      Math.abs(expected.low - -1.0489) < 2e-4 && Math.abs(expected.high - 4.057) < 2e-4,
      JSON.stringify(expected),
    );
    const other = sha256('other images');
    for (const [change, why] of [
      [{ answers: undefined }, 'answers not kept'],
      [{ split: { name: 'test', sha256: other } }, 'other images'],
      [{ answers: { ...present(b.answers), split: other } }, 'answers of other images'],
      [{ answers: { ...present(b.answers), labels: labels.slice(1) } }, 'other labels'],
      [{ answers: { ...present(b.answers), models: {} } }, 'answers not kept'],
    ] as const) {
      const found = difference(ofFirst(a), ofFirst({ ...b, ...change }));
      assert.deepEqual(found, { ...expected, isPaired: false, why });
      const [row] = textsOf(tableOf(comparePage([a, { ...b, ...change }]), /against a/));
      assert.equal(row?.[4], `unpaired: ${why}`);
    }
  });

  it('tells what is equal once, and what differs side by side', () => {
    const page = comparePage([a, b]);
    assert.ok(page.facts.some(({ label, value }) => label === 'Teacher' && value === 'a ViT'));
    assert.deepEqual(textsOf(tableOf(page, /differs/)), [['Seed', 'a', 'b']]);
    assert.deepEqual(warningsOf(page), []);
    const same = comparePage([run('a'), run('a')]);
    assert.ok(same.facts.some(({ label }) => label === 'Seed'));
  });

  it('warns of what misleads', () => {
    const warned = warningsOf(
      comparePage([
        a,
        {
          ...b,
          method: 'ed-vit',
          split: { name: 'selection', sha256: sha256('other') },
          confidence: 0.9,
          facts: [
            { label: 'Teacher', value: 'another' },
            { label: 'Engine', value: 'tensorflow' },
          ],
          models: b.models.map((model) => ({ ...model, latencyMs: 3 })),
        },
        { ...run('c'), models: a.models.map((model) => ({ ...model, latencyMs: 2 })), answers: undefined },
      ]),
    ).join('\n');
    for (const part of [
      /selection split/,
      /b was measured on other images than a/,
      /teachers differ/,
      /Latencies were measured by other engines, devices/,
      /different confidence: a 95 %; b 90 %/,
      /note: The methods differ/,
      /note: Not paired with a although the images are the same.*c \(answers not kept\)/,
    ])
      assert.match(warned, part);
  });

  it('names what runs of features are measured by, and warns where the others are measured by something else', () => {
    const voted = { ...a, measure: 'k-nn' as const };
    const alike = comparePage([voted, { ...b, measure: 'k-nn' }]);
    assert.deepEqual(warningsOf(alike), []);
    assert.ok(alike.facts.some(({ label, value }) => label === 'Measured by' && value === 'k-NN top-1'));
    const text = JSON.stringify(alike);
    assert.match(text, /K-NN top-1 against a, in points/);
    assert.match(text, /Every model: k-NN top-1 in percent/);
    assert.doesNotMatch(text, /(?<!k-NN )top-1/i);
    const mixed = comparePage([voted, b]);
    assert.match(warningsOf(mixed).join(), /a by k-NN top-1; b by top-1/);
    assert.match(JSON.stringify(mixed), /Every model: k-NN top-1 or top-1 in percent/);
  });

  it('tells teachers apart that look alike but for their weights', () => {
    const weighing = (of: ComparedRun, value: string) => ({
      ...of,
      facts: [...of.facts, teachersWeights(value)],
    });
    assert.match(warningsOf(comparePage([weighing(a, 'x'), weighing(b, 'y')])).join(), /teachers differ/);
    assert.deepEqual(warningsOf(comparePage([weighing(a, 'x'), weighing(b, 'x')])), []);
  });

  it('matches by kind and label, then by kind where there is one of it', () => {
    const named = (...models: readonly (readonly [ComparedModel['kind'], string])[]): ComparedRun => ({
      ...run('x'),
      models: models.map(([kind, label], i) => ({ ...present(a.models[0]), id: `m${i}`, kind, label })),
    });
    const rows = matchModels([
      named(['teacher', 'teacher'], ['refit', '70 %'], ['refit', '90 %'], ['distilled', '70 %']),
      named(['teacher', 'the teacher'], ['refit', '90 %'], ['refit', '80 %'], ['distilled', '70 %']),
    ]);
    assert.deepEqual(
      rows.map(({ label, models }) => [label, ...models.map((model) => model?.id)]),
      [
        ['teacher / the teacher', 'm0', 'm0'],
        ['70 %', 'm1', undefined],
        ['90 %', 'm2', 'm1'],
        ['70 % (distilled)', 'm3', 'm3'],
        ['80 %', undefined, 'm2'],
      ],
    );
  });

  it('sets five runs side by side, equal names apart, against the first', () => {
    const five = [a, b, run('b'), run('a'), run('e', { said: {} })];
    const page = comparePage(five);
    assert.equal(page.title, 'a (1) against b (1) against b (2) against a (2) against e');
    const runs = new Set(textsOf(tableOf(page, /against a \(1\)/)).map((row) => row[1]));
    assert.deepEqual([...runs], ['b (1)', 'b (2)', 'a (2)']);
    assert.match(present(page.headline[3]), /e has no model in common/);
    const charts = partsOf(page).filter(({ kind }) => kind === 'chart');
    assert.equal(charts.length, 3, 'differences, parameters, multiply-adds');
  });
});
