import assert from 'node:assert/strict';
import { drawTable } from '../../../pipeline/report/draw/draw-table.ts';
import { markupOf } from '../../../pipeline/report/markup.ts';

describe('the table of a report', () => {
  const drawn = markupOf(
    drawTable(
      {
        kind: 'table',
        caption: 'Models',
        interactive: true,
        columns: [
          { title: 'Model', about: 'Its "name"' },
          { title: 'Top-1' },
          { title: 'Size', align: 'right' },
          { title: 'Gate' },
        ],
        rows: [
          [
            { text: '<b>' },
            { text: '75.5 %', value: 75.5 },
            { text: '1 MB', value: 1e6 },
            { text: 'passed', tone: 'good' },
          ],
          [{ text: 'small' }, { text: '3', value: 3 }],
        ],
      },
      'models',
    ),
  );

  it('has scopes, a caption by which it is called, and a box that scrolls and can be focused', () => {
    assert.match(drawn, /<p class="caption" id="models-caption">Models<\/p>/);
    assert.match(drawn, /<div class="scroll" tabindex="0" role="region" aria-labelledby="models-caption">/);
    assert.equal(drawn.match(/<th scope="col"/g)?.length, 4);
    assert.equal(drawn.match(/<th scope="row"/g)?.length, 2);
    assert.match(drawn, /<th scope="col" title="Its &quot;name&quot;">Model/);
  });

  it('sets numbers to the right and keeps what they are sorted by where the text does not say it', () => {
    assert.match(drawn, /<td class="number" data-value="75.5">75.5 %<\/td>/);
    assert.match(drawn, /<td class="number">3<\/td>/);
    assert.match(drawn, /<td><span class="tone good">passed<\/span><\/td>/);
  });

  it('escapes, and fills rows that are too short', () => {
    assert.match(drawn, /<th scope="row">&lt;b&gt;<\/th>/);
    assert.equal(drawn.match(/<td/g)?.length, 6);
  });
});
