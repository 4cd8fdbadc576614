import type { Config } from '../../pipeline/config/schema.ts';
import { random } from '../../pipeline/util/random.ts';
import type { Image, Source } from '../contract.ts';
import { drawnItems } from './drawn-items.ts';
import { drawProduct, productClasses } from './product-drawing.ts';

/**
 * A synthetic data set that needs no download: four digits, and the class is the last digit of the product of
 * the two bright ones (`product-drawing.ts`); balanced.
 * The same seed, size and noise give the same image for the same id, whatever else is asked for and in any order. An image
 * is drawn when it is asked for, in less than a millisecond.
 */
export function openProducts({ images, size, noise }: Config['data']['products'], seed: number): Source {
  const { train, test } = drawnItems(images, productClasses);
  return {
    description: `products, seed ${seed} (${images.toLocaleString('en')} images of ${size}x${size}, ${productClasses.length} classes)`,
    classes: productClasses,
    items: [...train, ...test],
    content: ({ id, label }) =>
      Promise.resolve(drawProduct(label, random(seed, 'products', ...id.split(':')), { size, noise })),
    decode: (_, content): Promise<Image> =>
      Promise.resolve({ width: size, height: size, channels: 3, pixels: content }),
  };
}
