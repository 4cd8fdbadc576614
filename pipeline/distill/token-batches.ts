/**
 * Seeded batches of tokens from a file larger than memory. The order is a pure function of the seed and the step, so a
 * resumed training sees the batches it would have seen: an epoch visits chunks of consecutive tokens in a drawn order,
 * and a chunk's tokens are shuffled before they are cut into batches. The next chunk is read while this one is used.
 */
import { random } from '../util/random.ts';

/** Block inputs, LN2's output, as rows of `width` numbers. */
export interface TokenReader {
  readonly count: number;
  readonly width: number;
  /** Rows [start, start + count) as [count, width]. */
  read(start: number, count: number): Promise<Float32Array>;
}

export interface TokenBatchOptions {
  readonly batchTokens: number;
  readonly seed: number;
  /** The first batch wanted, counted from the beginning of the training. */
  readonly firstStep: number;
  /** Most tokens of a chunk; two chunks are in memory at once. Default: 64k, at most 128 MB. */
  readonly chunkTokens?: number;
}

interface Chunk {
  readonly start: number;
  readonly count: number;
  readonly batches: number;
}

/** Batches in which every token is used once. */
export function stepsPerEpoch(
  tokens: Pick<TokenReader, 'count' | 'width'>,
  { batchTokens, chunkTokens }: Pick<TokenBatchOptions, 'batchTokens' | 'chunkTokens'>,
): number {
  return cutIntoChunks(tokens, batchTokens, chunkTokens).reduce((sum, { batches }) => sum + batches, 0);
}

/** Chunks of nearly equal size; so are the batches of a chunk, none larger than asked for and no token left out. */
function cutIntoChunks(
  { count, width }: Pick<TokenReader, 'count' | 'width'>,
  batchTokens: number,
  chunkTokens = Math.max(batchTokens, Math.min(65536, Math.floor(128e6 / (4 * width)))),
): Chunk[] {
  const whole = Math.max(1, Math.floor(chunkTokens / batchTokens)) * batchTokens;
  const number = Math.ceil(count / whole);
  const edge = (index: number) => Math.floor((index * count) / number);
  return Array.from({ length: number }, (_, index) => {
    const start = edge(index);
    const size = edge(index + 1) - start;
    return { start, count: size, batches: Math.ceil(size / batchTokens) };
  });
}

/**
 * Endless batches [n, D], n <= batchTokens. A batch's array is reused for the next one.
 * @throws RangeError where there are no tokens.
 */
export async function* tokenBatches(
  tokens: TokenReader,
  options: TokenBatchOptions,
): AsyncGenerator<Float32Array, never> {
  const { seed, firstStep, batchTokens } = options;
  if (tokens.count < 1) throw new RangeError('no tokens to train on');
  const chunks = cutIntoChunks(tokens, batchTokens, options.chunkTokens);
  const perEpoch = stepsPerEpoch(tokens, options);
  const { width } = tokens;
  const buffer = new Float32Array(Math.min(batchTokens, tokens.count) * width);
  const reader = readAhead(tokens, chunks);
  let skip = firstStep % perEpoch;
  try {
    for (let epoch = Math.floor(firstStep / perEpoch); ; epoch++) {
      const order = orderOf(epoch);
      for (const [place, index] of order.entries()) {
        const { count, batches } = chunks[index]!;
        if (skip >= batches) {
          skip -= batches;
          continue;
        }
        const rows = await reader.take(index, order[place + 1] ?? orderOf(epoch + 1)[0]!);
        const shuffled = random(seed, 'distill', 'tokens', epoch, index).shuffle(
          Uint32Array.from({ length: count }, (_, i) => i),
        );
        for (let batch = skip; batch < batches; batch++) {
          const from = Math.floor((batch * count) / batches);
          const to = Math.floor(((batch + 1) * count) / batches);
          for (let i = from; i < to; i++) {
            const row = shuffled[i]! * width;
            buffer.set(rows.subarray(row, row + width), (i - from) * width);
          }
          yield buffer.subarray(0, (to - from) * width);
        }
        skip = 0;
      }
    }
  } finally {
    await reader.settle();
  }

  function orderOf(epoch: number): number[] {
    return random(seed, 'distill', 'chunks', epoch).shuffle(chunks.map((_, index) => index));
  }
}

/** Holds the chunk in use and the one asked for next. */
function readAhead(tokens: TokenReader, chunks: readonly Chunk[]) {
  let held: { index: number; rows: Promise<Float32Array> } | undefined;
  const start = (index: number) => {
    const rows = tokens.read(chunks[index]!.start, chunks[index]!.count);
    // Awaited later; without this a failed read would be reported as unhandled before that.
    rows.catch(() => undefined);
    return { index, rows };
  };
  return {
    async take(index: number, next: number): Promise<Float32Array> {
      const current = held?.index === index ? held : start(index);
      const rows = await current.rows;
      held = next === index ? current : start(next);
      return rows;
    },
    /** No read is under way afterwards, so that the caller can close the file. */
    async settle(): Promise<void> {
      await held?.rows.catch(() => undefined);
    },
  };
}
