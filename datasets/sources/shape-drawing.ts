import type { Random } from '../../pipeline/util/random.ts';

const outlines = ['circle', 'square', 'triangle', 'star', 'cross'] as const;
const textures = ['striped', 'dotted'] as const;
type Outline = (typeof outlines)[number];
type Texture = (typeof textures)[number];

/** "striped circle", "striped square", ..., "dotted cross": what the label says of the largest figure. */
export const shapeClasses: readonly string[] = textures.flatMap((texture) =>
  outlines.map((outline) => `${texture} ${outline}`),
);

/**
 * One image as SVG content in a square of side 100: a graded background, a few smaller figures of any class that are
 * not the label, and the labelled figure on top, roughly in the middle, a little turned. Outline and texture must both
 * be read, and either may be light on dark or dark on light, so no linear look at the pixels tells the class.
 * @param name unique on the page; names the figures' clip paths.
 */
export function drawShape(label: number, random: Random, name: string): string {
  const [from, to] = [colour(random, 35, 65), colour(random, 35, 65)];
  const parts = [
    `<linearGradient id="${name}" gradientTransform="rotate(${random.integer(360)} .5 .5)"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient>`,
    `<rect width="100" height="100" fill="url(#${name})"/>`,
  ];
  const distractors = random.integer(3);
  for (let i = 0; i < distractors; i++) {
    const place = { x: between(random, 0, 100), y: between(random, 0, 100), radius: between(random, 8, 12) };
    parts.push(figure(random.integer(shapeClasses.length), place, random, `${name}d${i}`));
  }
  const place = { x: between(random, 40, 60), y: between(random, 40, 60), radius: between(random, 32, 44) };
  parts.push(figure(label, place, random, `${name}f`));
  return parts.join('');
}

function figure(
  label: number,
  { x, y, radius }: { x: number; y: number; radius: number },
  random: Random,
  name: string,
): string {
  const texture = textures[Math.floor(label / outlines.length)]!;
  const outline = outlines[label % outlines.length]!;
  const dark = `hsl(${random.integer(360)},${between(random, 20, 80)}%,${between(random, 10, 28)}%)`;
  const bright = `hsl(${random.integer(360)},${between(random, 20, 80)}%,${between(random, 70, 92)}%)`;
  const [paint, ink] = random.next() < 0.5 ? [bright, dark] : [dark, bright];
  const squeezed = round(radius * between(random, 0.85, 1));
  const turn = between(random, -20, 20);
  // Painted through a clip path; the obvious <pattern> fill takes librsvg five times as long.
  return (
    `<g transform="translate(${x} ${y}) rotate(${turn}) scale(${radius} ${squeezed})">` +
    `<clipPath id="${name}">${path(outline)}</clipPath>` +
    `<g clip-path="url(#${name})"><rect x="-1.2" y="-1.2" width="2.4" height="2.4" fill="${paint}"/>${lines(texture, ink, random)}</g></g>`
  );
}

/** Parallel lines across a figure of radius 1; dots are dashes of no length with round ends. */
function lines(texture: Texture, ink: string, random: Random): string {
  const period = between(random, 0.42, 0.55);
  const start = -1.2 + period * random.next();
  const commands: string[] = [];
  for (let y = start; y < 1.2; y += period) commands.push(`M-1.2 ${round(y)}H1.2`);
  const stroke =
    texture === 'striped'
      ? `stroke-width="${round(period * 0.45)}"`
      : `stroke-width="${round(period * 0.7)}" stroke-linecap="round" stroke-dasharray="0 ${period}"`;
  return `<path d="${commands.join('')}" stroke="${ink}" ${stroke}/>`;
}

/** Outlines of about equal area around the origin. */
function path(outline: Outline): string {
  switch (outline) {
    case 'circle':
      return '<circle r=".86"/>';
    case 'square':
      return '<rect x="-.78" y="-.78" width="1.56" height="1.56"/>';
    case 'triangle':
      return polygon(3, () => 1.12);
    case 'star':
      return polygon(10, (corner) => (corner % 2 === 0 ? 1.15 : 0.5));
    case 'cross':
      return '<path d="M-.34-1H.34V-.34H1V.34H.34V1H-.34V.34H-1V-.34H-.34Z"/>';
  }
}

function polygon(corners: number, radius: (corner: number) => number): string {
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / corners;
    return `${round(radius(corner) * Math.sin(angle))},${round(-radius(corner) * Math.cos(angle))}`;
  });
  return `<polygon points="${points.join(' ')}"/>`;
}

function colour(random: Random, darkest: number, brightest: number): string {
  return `hsl(${random.integer(360)},${random.integer(70)}%,${round(between(random, darkest, brightest))}%)`;
}

function between(random: Random, low: number, high: number): number {
  return round(low + (high - low) * random.next());
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
