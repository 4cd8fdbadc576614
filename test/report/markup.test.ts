import assert from 'node:assert/strict';
import { escapeHtml, markup, markupOf, prose, scriptJson, trusted } from '../../pipeline/report/markup.ts';

describe('markup', () => {
  it('escapes every value that is not markup already, in text and in attributes', () => {
    const hostile = `"><script>alert('1')</script>&amp;`;
    assert.equal(
      markupOf(markup`<p title="${hostile}">${hostile}${markup`<b>${1}</b>`}</p>`),
      '<p title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;">' +
        '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;<b>1</b></p>',
    );
  });

  it('writes lists one after the other and nothing for what is absent', () => {
    assert.equal(markupOf(markup`${['a', trusted('<i>'), undefined, false]}`), 'a<i>');
  });

  it('is not fooled by objects that only look like markup', () => {
    const foreign = JSON.parse('{"markup":"<script>"}') as never;
    assert.throws(() => markupOf(markup`${foreign}`));
  });

  it('replaces what no HTML may hold', () => {
    assert.equal(escapeHtml('a\u0000b\u001bc\ud800d\uffff'), 'a\ufffdb\ufffdc\ufffdd\ufffd');
    assert.equal(escapeHtml('tab\tline\n😀 é'), 'tab\tline\n😀 é');
  });

  it('lets no JSON end the script it stands in, and keeps its value', () => {
    const value = { text: '</script><!--<script>&\u2028' };
    const text = markupOf(scriptJson(value));
    assert.doesNotMatch(text, /[<>&\u2028]/);
    assert.deepEqual(JSON.parse(text), value);
  });

  it('keeps a number on the line of its unit', () => {
    assert.equal(prose('70 % of 3 points, 5 minutes'), '70\u00a0% of 3\u00a0points, 5 minutes');
  });
});
