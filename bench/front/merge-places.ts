export interface MergeSizes {
  readonly batch: number;
  /** T, per image. */
  readonly tokens: number;
  /** r: how many go. */
  readonly merged: number;
  /** Tokens that stay as they are. */
  readonly prefix: number;
}

/**
 * Where every token goes when the `merged` even ones that are most like an odd one join it. First come, in their order, the even tokens that stay,
 * then the odd ones; after a first prefix token its second, if it has one, as the head reads them side by side (as published).
 * @param best [B, ceil(T / 2)], how alike an even token and its partner are; of equal ones the first goes
 * @param partner the same, which of the odd tokens that is
 * @returns [B T] rows among all images' new tokens, T - r of each
 * @throws RangeError where so many even tokens, the prefix aside, do not exist
 */
export function mergePlaces(
  best: ArrayLike<number>,
  partner: ArrayLike<number>,
  { batch, tokens, merged, prefix }: MergeSizes,
): Int32Array {
  const evens = Math.ceil(tokens / 2);
  const odds = tokens - evens;
  const fixedEvens = Math.ceil(prefix / 2);
  const fixedOdds = prefix - fixedEvens;
  if (merged > evens - fixedEvens || odds <= fixedOdds) {
    throw new RangeError(`${merged} of ${tokens} tokens cannot join another`);
  }
  const left = tokens - merged;
  const places = new Int32Array(batch * tokens);
  for (let image = 0; image < batch; image++) {
    const of = image * evens;
    const order = Array.from({ length: evens - fixedEvens }, (_, i) => fixedEvens + i);
    order.sort((a, b) => best[of + b]! - best[of + a]! || a - b);
    const going = new Set(order.slice(0, merged));
    const start = image * left;
    const placeOf = new Int32Array(tokens);
    let next = 0;
    for (let token = 0; token < prefix; token++) placeOf[token] = next++;
    for (let even = fixedEvens; even < evens; even++) if (!going.has(even)) placeOf[2 * even] = next++;
    for (let odd = fixedOdds; odd < odds; odd++) placeOf[2 * odd + 1] = next++;
    for (const even of going) placeOf[2 * even] = placeOf[2 * partner[of + even]! + 1]!;
    for (let token = 0; token < tokens; token++) places[image * tokens + token] = start + placeOf[token]!;
  }
  return places;
}
