import { fail } from '../util/failure.ts';

/** An upper limit as given: an amount, or a share of the teacher's. */
export type GivenLimit = { readonly amount: number } | { readonly share: number };

export const limitOptions = ['params', 'macs', 'size', 'latency'] as const;
export type LimitOption = (typeof limitOptions)[number];

const decimal: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const bytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const times: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3 };

const units: Readonly<Record<LimitOption, Readonly<Record<string, number>>>> = {
  params: decimal,
  macs: decimal,
  size: bytes,
  latency: times,
};
const examples: Readonly<Record<LimitOption, string>> = {
  params: '60% (of the teacher), 3.1M or 3100000',
  macs: '50% (of the teacher), 1.2G or 850M',
  size: '60% (of the teacher), 12MB (10^6 bytes) or 12MiB (2^20)',
  latency: '60% (of the teacher), 8ms or 0.5s',
};

/** @throws BlockForgeError `usage` */
export function parseLimit(option: LimitOption, text: string): GivenLimit {
  const [number, unit] = split(text);
  const refuse = (found: string) =>
    fail({ reason: 'usage', subject: `--${option} ${text}`, found, expected: examples[option] });
  if (Number.isNaN(number)) return refuse('not an amount');
  if (!(number > 0 && Number.isFinite(number))) return refuse('not above 0');
  if (unit === '%') return { share: number / 100 };
  if (Object.hasOwn(units[option], unit)) return { amount: number * units[option][unit]! };
  const known = Object.keys(units[option]).filter(Boolean);
  return refuse(unit === '' ? `no unit; one of ${known.join(', ')} or %` : `no unit "${unit}" here`);
}

/** Points of what a library is measured by. @throws BlockForgeError `usage` */
export function parseDrop(text: string): number {
  const [number, unit] = split(text);
  if (number >= 0 && number <= 100 && (unit === 'pp' || unit === '')) return number;
  return fail({
    reason: 'usage',
    subject: `--max-drop ${text}`,
    found:
      unit === '%'
        ? 'a percentage could be of the accuracy or of the images'
        : number >= 0 && (unit === 'pp' || unit === '')
          ? 'more than there is to lose'
          : 'not a number of points from 0 up',
    expected: 'percentage points of top-1, or of what else the library is measured by, e.g. 1.5pp',
  });
}

function split(text: string): [number, string] {
  const [, number, unit = ''] =
    /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*$/.exec(text) ?? [];
  return number === undefined ? [NaN, ''] : [Number(number), unit];
}
