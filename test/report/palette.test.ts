import assert from 'node:assert/strict';
import { heatShades, palette, paletteCss } from '../../pipeline/report/palette.ts';

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

describe('the colours of a report', () => {
  for (const [theme, name] of [
    [0, 'light'],
    [1, 'dark'],
  ] as const) {
    const colour = (key: keyof typeof palette) => palette[key][theme];

    it(`let text be read in ${name}: 4.5 : 1`, () => {
      const pairs = [
        ...(['ground', 'paper', 'raised'] as const).flatMap((back) => [
          ['ink', back] as const,
          ['muted', back] as const,
        ]),
        ['accent', 'ground'],
        ['accent', 'paper'],
        ['good', 'good-wash'],
        ['good', 'paper'],
        ['warn', 'warn-wash'],
        ['bad', 'bad-wash'],
        ['bad', 'paper'],
        ['good', 'raised'],
        ['bad', 'raised'],
      ] as const;
      for (const [text, back] of pairs) {
        const found = contrast(colour(text), colour(back));
        assert.ok(found >= 4.5, `${text} on ${back}: ${found.toFixed(2)}`);
      }
    });

    it(`let marks stand out from the paper in ${name}: 3 : 1`, () => {
      for (const key of ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'front'] as const) {
        const found = contrast(colour(key), colour('paper'));
        assert.ok(found >= 3, `${key}: ${found.toFixed(2)}`);
      }
    });

    it(`let numbers in heat maps be read in ${name}, and more is further from the paper`, () => {
      for (const shades of Object.values(heatShades)) {
        const pairs = shades.map((pair) => pair[theme]);
        for (const [back, ink] of pairs) {
          assert.ok(contrast(back, ink) >= 4.5, `${ink} on ${back}: ${contrast(back, ink).toFixed(2)}`);
        }
        const distances = pairs.map(([back]) => contrast(back, colour('paper')));
        assert.deepEqual(
          distances,
          distances.toSorted((a, b) => a - b),
        );
      }
    });
  }

  it('are variables for either theme, and light on paper', () => {
    const css = paletteCss();
    assert.match(css, /^:root\{color-scheme:light;--ground:#f/);
    assert.match(css, /@media \(prefers-color-scheme:dark\)\{:root:not\(\[data-theme="light"\]\)/);
    assert.match(css, /@media print/);
    assert.match(
      css,
      /\.loss \.shade9,\.change \.shade9\{background:var\(--loss-9\);color:var\(--loss-9-ink\)\}/,
    );
  });
});
