import sharp from 'sharp';
import { random } from '../../pipeline/util/random.ts';

/** JPEG files of 500 x 375 pixels that compress about as photographs do: soft spots with grain on them. */
export async function photographs(count: number): Promise<readonly Buffer[]> {
  const draw = random(1, 'photographs');
  const [width, height] = [500, 375];
  return Promise.all(
    Array.from({ length: count }, async () => {
      const spots = Uint8Array.from({ length: 20 * 15 * 3 }, () => draw.integer(256));
      const soft = await sharp(spots, { raw: { width: 20, height: 15, channels: 3 } })
        .resize(width, height, { kernel: 'cubic' })
        .raw()
        .toBuffer();
      const grainy = soft.map((value) => Math.max(0, Math.min(255, Math.round(value + 6 * draw.normal()))));
      return sharp(grainy, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 85 })
        .toBuffer();
    }),
  );
}
