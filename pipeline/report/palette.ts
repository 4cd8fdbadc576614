/** A colour in light and in dark. */
export type Shade = readonly [light: string, dark: string];

/**
 * The page's colours, each a CSS variable of its name. Those of kinds (`c1`..`c8`) are after Okabe and Ito, "Color universal design" (2008),
 * darker or lighter until they stand out 3 : 1 from the paper; text has 4.5 : 1.
 */
export const palette = {
  ground: ['#f5f6f8', '#101216'],
  paper: ['#ffffff', '#181b21'],
  raised: ['#f0f2f5', '#22262e'],
  ink: ['#15181e', '#e9ebef'],
  muted: ['#565e6b', '#a4acb9'],
  line: ['#e1e4ea', '#2c313a'],
  'line-strong': ['#98a1ae', '#5b6472'],
  accent: ['#005f99', '#7cc0f0'],
  'accent-wash': ['#e4f0f9', '#16303f'],
  front: ['#6b7280', '#98a1ae'],
  good: ['#00684a', '#4fd0a5'],
  'good-wash': ['#e2f4ec', '#12312a'],
  warn: ['#8a5200', '#f0b95a'],
  'warn-wash': ['#fdf1dc', '#38290f'],
  bad: ['#b3261e', '#ff9b8f'],
  'bad-wash': ['#fdecea', '#421b18'],
  c1: ['#0072b2', '#56b4e9'],
  c2: ['#d55e00', '#ff8f4a'],
  c3: ['#00805c', '#2fc79c'],
  c4: ['#a8447e', '#e08fbd'],
  c5: ['#946700', '#f0c94a'],
  c6: ['#2b83b8', '#8fd3ff'],
  c7: ['#6f4fb5', '#b7a1f2'],
  c8: ['#6b7280', '#98a1ae'],
} as const satisfies Readonly<Record<string, Shade>>;

/** Of heat maps, from nothing to the most; what is written on a shade is in the second colour. */
export const heatShades = {
  loss: [
    [
      ['#ffffff', '#15181e'],
      ['#181b21', '#e9ebef'],
    ],
    [
      ['#fff4e6', '#15181e'],
      ['#2a211b', '#e9ebef'],
    ],
    [
      ['#ffe7cb', '#15181e'],
      ['#3a281c', '#e9ebef'],
    ],
    [
      ['#ffd6a8', '#15181e'],
      ['#4d301d', '#e9ebef'],
    ],
    [
      ['#fdbf80', '#15181e'],
      ['#643b1d', '#f4f5f7'],
    ],
    [
      ['#f9a45a', '#15181e'],
      ['#7e481d', '#ffffff'],
    ],
    [
      ['#ef8636', '#15181e'],
      ['#c66f26', '#101216'],
    ],
    [
      ['#c2540f', '#ffffff'],
      ['#e08a3c', '#101216'],
    ],
    [
      ['#9a3d07', '#ffffff'],
      ['#f2a85c', '#101216'],
    ],
    [
      ['#6e2a05', '#ffffff'],
      ['#ffcb8f', '#101216'],
    ],
  ],
  share: [
    [
      ['#ffffff', '#15181e'],
      ['#181b21', '#e9ebef'],
    ],
    [
      ['#eef5fb', '#15181e'],
      ['#1a2530', '#e9ebef'],
    ],
    [
      ['#dcebf7', '#15181e'],
      ['#1b3040', '#e9ebef'],
    ],
    [
      ['#c3ddf1', '#15181e'],
      ['#1c3c52', '#e9ebef'],
    ],
    [
      ['#a3cae7', '#15181e'],
      ['#1d4a67', '#f4f5f7'],
    ],
    [
      ['#7db4dc', '#15181e'],
      ['#1f5a7f', '#ffffff'],
    ],
    [
      ['#569ccf', '#15181e'],
      ['#4a9fd4', '#101216'],
    ],
    [
      ['#0e6aa8', '#ffffff'],
      ['#6bb6e6', '#101216'],
    ],
    [
      ['#075285', '#ffffff'],
      ['#92cdf3', '#101216'],
    ],
    [
      ['#053a60', '#ffffff'],
      ['#c0e4fb', '#101216'],
    ],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [Shade, Shade])[]>>;

/** The variables as CSS: light, dark where the reader's system or the page's switch says so, and light on paper. */
export function paletteCss(): string {
  const [light, dark] = [0, 1].map(declarations) as [string, string];
  return [
    `:root{color-scheme:light;${light}}`,
    `@media (prefers-color-scheme:dark){:root:not([data-theme="light"]){color-scheme:dark;${dark}}}`,
    `:root[data-theme="dark"]{color-scheme:dark;${dark}}`,
    `@media print{:root:not(#none){color-scheme:light;${light}}}`,
    ...Object.entries(heatShades).flatMap(([scale, shades]) =>
      shades.map((_, i) => {
        const name = `--${scale}-${i}`;
        // Of a change, what is worse looks like a loss, and what is better like a share.
        const change = scale === 'loss' ? `.change .shade${i}` : `.change .better.shade${i}`;
        return `.${scale} .shade${i},${change}{background:var(${name});color:var(${name}-ink)}`;
      }),
    ),
  ].join('\n');
}

function declarations(theme: number): string {
  const named = Object.entries(palette).map(([name, shade]) => `--${name}:${shade[theme]!}`);
  const heat = Object.entries(heatShades).flatMap(([scale, shades]) =>
    shades.map((pair, i) => {
      const [background, ink] = pair[theme]!;
      return `--${scale}-${i}:${background};--${scale}-${i}-ink:${ink}`;
    }),
  );
  return [...named, ...heat].join(';');
}
