/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey, PractRand), seeded by FNV-1a over the labels.
 * The same seed and labels give the same stream on every machine.
 */
export interface Random {
  /** Uniform in [0, 1) with 32 bits. */
  next(): number;
  /** Uniform integer in [0, n). */
  integer(n: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** Fisher-Yates, in place; returns its argument. */
  shuffle<A extends { length: number; [index: number]: unknown }>(items: A): A;
}

/** A stream of its own for every (seed, labels): `random(config.seed, 'distill', 'epoch', epoch)`. */
export function random(seed: number, ...labels: readonly (string | number)[]): Random {
  let [a, b, c, d] = seedWords([seed, ...labels].join('\u0000'));
  const bits = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) bits();
  const next = () => bits() / 4294967296;
  const integer = (n: number) => Math.floor(next() * n);
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [items[i], items[j]] = [items[j], items[i]];
      }
      return items;
    },
  };
}

function seedWords(text: string): [number, number, number, number] {
  const words: number[] = [];
  for (let word = 0; word < 4; word++) {
    let hash = 0x811c9dc5 ^ (word * 0x9e3779b1);
    for (let i = 0; i < text.length; i++) {
      hash ^= text.charCodeAt(i);
      hash = Math.imul(hash, 0x01000193);
    }
    words.push(hash | 0);
  }
  return words as [number, number, number, number];
}
