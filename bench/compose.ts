/**
 * How long an exact choice takes, against the same problem as a MILP solved by HiGHS (compiled to WebAssembly).
 *
 *     npm run bench -- compose [seconds HiGHS may take for each problem, default 10; 0 leaves it out]
 *
 * `library`: as in a library, where parameters, multiply-adds and bytes follow the width and latency is measured.
 * `independent`: four resources that have nothing to do with each other, harder than any library.
 * The goal is 1 s for 12 blocks and 3 s up to 48.
 */
import loadHighs from 'highs';
import { performance } from 'node:perf_hooks';
import { paretoFront } from '../pipeline/allocate/allocate.ts';
import { choose, type Blocks } from '../pipeline/allocate/choose.ts';
import { random } from '../pipeline/util/random.ts';

interface Problem {
  readonly blocks: Blocks;
  readonly limits: readonly number[];
}

const options = 10;

function libraryLike(seed: number, depth: number): Problem {
  const draw = random(seed, 'library');
  const blocks = Array.from({ length: depth }, () => {
    const sensitivity = 0.2 + 2 * draw.next();
    return Array.from({ length: options }, (_, level) => {
      const width = 64 * (level + 1);
      return {
        cost: sensitivity * (1 - level / (options - 1)) ** 2 + 0.02 * draw.next() - 0.002,
        uses: [
          385 * width + 192,
          384 * 197 * width,
          4 * (385 * width + 192) + 344,
          width * (0.0007 + 0.0001 * draw.next()),
        ],
      };
    });
  });
  return { blocks, limits: limitsAt(blocks, [0.5, 0.49, 0.5, 0.47]) };
}

function independent(seed: number, depth: number): Problem {
  const draw = random(seed, 'independent');
  const blocks = Array.from({ length: depth }, () => {
    const sensitivity = 0.2 + 2 * draw.next();
    return Array.from({ length: options }, (_, level) => ({
      cost: sensitivity * (1 - Math.sqrt(level / (options - 1))) + 0.05 * draw.next() - 0.01,
      uses: Array.from({ length: 4 }, () => (level + 1) * (0.6 + 0.8 * draw.next())),
    }));
  });
  return { blocks, limits: limitsAt(blocks, [0.45, 0.45, 0.45, 0.45]) };
}

/** Between the least and the most that can be used. */
function limitsAt(blocks: Blocks, shares: readonly number[]): number[] {
  return shares.map((share, resource) => {
    const sum = (pick: (...values: number[]) => number) =>
      blocks.reduce((total, block) => total + pick(...block.map(({ uses }) => uses[resource]!)), 0);
    return sum(Math.min) + share * (sum(Math.max) - sum(Math.min));
  });
}

const highs = await loadHighs();

/** @returns the least cost, or null where the time was up */
function byHighs({ blocks, limits }: Problem, seconds: number): number | null {
  const sum = (value: (block: number, option: number) => number) =>
    blocks
      .flatMap((items, block) =>
        items.map((_, option) => {
          const number = value(block, option);
          return `${number < 0 ? '-' : '+'} ${Math.abs(number)} x${block}_${option}`;
        }),
      )
      .join('\n ');
  const model = [
    `Minimize\n cost: ${sum((block, option) => blocks[block]![option]!.cost)}`,
    'Subject To',
    ...limits.map(
      (limit, resource) =>
        ` limit${resource}: ${sum((block, option) => blocks[block]![option]!.uses[resource]! / limit)} <= 1`,
    ),
    ...blocks.map((items, block) => ` one${block}: ${items.map((_, i) => `x${block}_${i}`).join(' + ')} = 1`),
    `Binary\n ${blocks.flatMap((items, block) => items.map((_, i) => `x${block}_${i}`)).join(' ')}`,
    'End',
  ].join('\n');
  const { Status, ObjectiveValue } = highs.solve(model, {
    output_flag: false,
    mip_rel_gap: 0,
    mip_abs_gap: 1e-9,
    time_limit: seconds,
  });
  return Status === 'Optimal' ? ObjectiveValue : null;
}

function timed<T>(act: () => T): [T, number] {
  const start = performance.now();
  return [act(), performance.now() - start];
}

const seconds = Number(process.argv[2] ?? 10);
const problems = { library: libraryLike, independent };
choose(libraryLike(99, 12).blocks, libraryLike(99, 12).limits); // Compiled before the clock starts.
for (const [kind, make] of Object.entries(problems)) {
  for (const depth of [12, 24, 48]) {
    for (const seed of [0, 1, 2]) {
      const problem = make(seed, depth);
      const [found, ms] = timed(() => choose(problem.blocks, problem.limits));
      let line = `${kind.padEnd(12)}${String(depth).padStart(3)} blocks  ${ms.toFixed(0).padStart(7)} ms`;
      if (seconds > 0) {
        const [other, highsMs] = timed(() => byHighs(problem, seconds));
        const ratio = `${(highsMs / ms).toFixed(1)} x`;
        line +=
          other === null
            ? `   HiGHS more than ${seconds} s (${ratio} or more)`
            : `   HiGHS ${highsMs.toFixed(0)} ms (${ratio}), costs differ by ${Math.abs(other - found[0]!.cost).toExponential(1)}`;
      }
      console.log(line);
    }
    if (kind !== 'library') continue;
    const { blocks } = make(0, depth);
    for (const [name, resource, unit] of [
      ['params', 0, 1],
      ['latency', 3, 1e6],
    ] as const) {
      const [front, ms] = timed(() =>
        paretoFront(
          blocks.map((items) =>
            items.map(({ cost, uses }) => ({ cost, resource: Math.round(unit * uses[resource]!) })),
          ),
        ),
      );
      console.log(
        `front       ${String(depth).padStart(3)} blocks  ${ms.toFixed(0).padStart(7)} ms   ${front.length} points by ${name}`,
      );
    }
  }
}
