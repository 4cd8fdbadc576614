import assert from 'node:assert/strict';
import { chartSvg } from '../../../pipeline/report/charts/chart-svg.ts';
import { logTicks } from '../../../pipeline/report/charts/axis.ts';
import { modelKinds } from '../../../pipeline/report/charts/kinds.ts';
import { linesChart } from '../../../pipeline/report/charts/lines.ts';
import { pointsChart } from '../../../pipeline/report/charts/points.ts';

const words = { title: 'Top-1', alternative: 'More is better.' };
const hostile = `</svg><script>alert("1")</script>`;

describe('a chart as SVG', function () {
  this.timeout(20_000);
  const points = [
    { x: 1e6, y: 40, yLow: 38, yHigh: 42, kind: 'refit', says: hostile },
    { x: 1e7, y: 60, yLow: 58, yHigh: 62, kind: 'teacher', says: 'teacher: 60 %' },
  ];
  const chart = pointsChart({
    ...words,
    points,
    x: { title: hostile, log: true, format: '~s' },
    y: { title: 'top-1, %' },
    front: points,
  });

  it('keeps colours as variables of the page and holds each mark once with what it says', async () => {
    const { svg } = await chartSvg(chart.spec, 'wide', 'a');
    assert.match(svg, /fill="var\(--c1\)"/);
    assert.match(svg, /fill="var\(--ink\)"/);
    const said = [...svg.matchAll(/aria-label="([^"]*)"/g)].map(([, text]) => text);
    assert.deepEqual(said, [
      '&lt;/svg&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;',
      'teacher: 60 %',
    ]);
  });

  it('lets no text end it', async () => {
    const { svg } = await chartSvg(chart.spec, 'wide', 'a');
    assert.doesNotMatch(svg, /<script/);
    assert.equal(svg.match(/<\/svg>/g)?.length, 1);
  });

  it('is drawn for wide pages and for phones, and says where its axes lie', async () => {
    for (const [shape, width] of [
      ['wide', 760],
      ['narrow', 300],
    ] as const) {
      const { svg, scales } = await chartSvg(chart.spec, shape, 'a');
      assert.match(svg, new RegExp(`viewBox="0 0 ${width} `));
      assert.ok(scales !== undefined);
      assert.equal(scales.x.type, 'log');
      assert.ok(scales.x.domain[0] <= 1e6 && scales.x.domain[1] >= 1e7);
      assert.ok(scales.x.range[0] > 10 && scales.x.range[1] < width);
      assert.ok(scales.y.range[0] > scales.y.range[1], 'up is more');
    }
  });

  it('has ids of its own, the same every time', async () => {
    const clipped = { ...chart.spec, mark: { type: 'point', clip: true }, layer: undefined } as never;
    const first = await chartSvg(clipped, 'wide', 'first');
    const again = await chartSvg(clipped, 'wide', 'first');
    assert.match(first.svg, /<clipPath id="first-1">/);
    assert.match(first.svg, /clip-path="url\(#first-1\)"/);
    assert.equal(again.svg, first.svg);
  });

  it('stands in panels, and has no axes of its own then', async () => {
    const lines = ['a', 'b'].map((panel) => ({
      panel,
      kind: 'x',
      says: panel,
      points: [
        { x: 0, y: 1 },
        { x: 1, y: 2 },
      ],
    }));
    const { svg, scales } = await chartSvg(
      linesChart({ ...words, lines, x: { title: 'step' }, y: { title: 'loss' } }).spec,
      'narrow',
      'b',
    );
    assert.equal(svg.match(/aria-label="[ab]"/g)?.length, 2);
    assert.equal(scales, undefined);
  });

  it('loads nothing', async () => {
    const spec = { data: { url: 'file:///etc/hostname', format: { type: 'csv' } }, mark: 'point' } as const;
    const { svg } = await chartSvg(spec, 'wide', 'c');
    assert.doesNotMatch(svg, /aria-label/);
  });

  it('has few ticks on logarithmic axes', () => {
    assert.deepEqual(logTicks([2e6, 5.7e6]), [2e6, 2.5e6, 3e6, 4e6, 5e6]);
    assert.deepEqual(logTicks([0.02, 1.5]), [0.02, 0.05, 0.1, 0.2, 0.5, 1]);
    assert.deepEqual(logTicks([1, 1e5]), [1, 10, 100, 1000, 1e4, 1e5]);
    assert.deepEqual([logTicks([]), logTicks([0, -1]), logTicks([3, 3])], [undefined, undefined, undefined]);
  });

  it('knows kinds of models by colour and by shape', () => {
    for (const key of ['colour', 'shape'] as const) {
      assert.equal(new Set(modelKinds.map((kind) => kind[key])).size, modelKinds.length);
    }
  });
});
