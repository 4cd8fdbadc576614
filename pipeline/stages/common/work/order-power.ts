import { betterOrder, type Predictions } from './better-order.ts';

/**
 * What the images would not have shown of a wrong order of the classes, given what this teacher says of them: `all`, where
 * not even every class at the next one's output would have been noticed; `pairs`, where the two classes with the fewest
 * images could be exchanged; undefined where neither is so.
 * @param count of the classes
 */
export function unseenOrder({ labels, predicted }: Predictions, count: number): 'all' | 'pairs' | undefined {
  const isSeen = (moved: (output: number) => number) => {
    const said = Array.from({ length: predicted.length }, (_, image) => moved(predicted[image]!));
    return betterOrder({ labels, predicted: said }, count, new Map()) !== undefined;
  };
  if (count < 2) return undefined;
  if (!isSeen((output) => (output + 1) % count)) return 'all';
  const images = new Array<number>(count).fill(0);
  for (let image = 0; image < labels.length; image++) images[labels[image]!]! += 1;
  const [one = 0, other = 0] = images.map((_, index) => index).sort((a, b) => images[a]! - images[b]!);
  const isExchangeSeen = isSeen((output) => (output === one ? other : output === other ? one : output));
  return isExchangeSeen ? undefined : 'pairs';
}
