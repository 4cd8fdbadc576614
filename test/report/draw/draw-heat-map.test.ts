import assert from 'node:assert/strict';
import { drawHeatMap } from '../../../pipeline/report/draw/draw-heat-map.ts';
import { markupOf } from '../../../pipeline/report/markup.ts';

describe('the heat map of a report', () => {
  const cell = (value: number, id?: string) => ({
    text: value.toFixed(1),
    value,
    hover: `lost ${value} "points"`,
    id,
  });
  const draw = (values: readonly number[]) =>
    markupOf(
      drawHeatMap(
        {
          kind: 'heat-map',
          caption: 'Lost',
          corner: 'block',
          columns: values.map(String),
          rows: [{ title: '0', cells: [...values.map((value) => cell(value, 'b0')), null] }],
          scale: 'loss',
        },
        'heat',
      ),
    );
  const shades = (values: readonly number[]) =>
    [...draw(values).matchAll(/<td class="shade(\d)"/g)].map(([, shade]) => Number(shade));

  it('has a shade per share of the worst, none for nothing lost and a visible one for little', () => {
    assert.deepEqual(shades([-2, 0, 0.01, 5, 9.99, 10]), [0, 0, 1, 5, 9, 9]);
    assert.deepEqual(shades([0, 0]), [0, 0]);
    assert.deepEqual(shades([NaN, 1]), [0, 9]);
    assert.deepEqual(shades([-3, -1]), [0, 0]);
  });

  it('says what it means when pointed at, and which descendant it is', () => {
    assert.match(draw([1]), /title="lost 1 &quot;points&quot;" data-descendant="b0">1.0<\/td>/);
  });

  it('has the whole width of the page in small cells where there are many columns', () => {
    assert.match(draw(Array.from({ length: 40 }, (_, i) => i)), /<figure class="heat-map loss dense"/);
  });
});
