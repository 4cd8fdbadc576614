import type { Config } from './schema.ts';

/** How many images a source draws, how large and how noisy; undefined where the images come from files. */
export function drawnSource(data: Config['data']): Config['data']['shapes'] | undefined {
  switch (data.source) {
    case 'shapes':
      return data.shapes;
    case 'products':
      return data.products;
    default:
      return undefined;
  }
}
