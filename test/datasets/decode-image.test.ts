import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { decodeImage } from '../../datasets/decode-image.ts';
import { waves } from './fakes.ts';

const width = 40;
const height = 30;
const rgb = sharp(waves(width, height, 3), { raw: { width, height, channels: 3 } });

describe('decodeImage', () => {
  it('gives the exact pixels of a PNG, without its alpha', async () => {
    const image = await decodeImage(await rgb.clone().ensureAlpha(0.5).png().toBuffer());
    assert.deepEqual([image.width, image.height, image.channels], [width, height, 3]);
    assert.deepEqual(new Uint8Array(image.pixels), waves(width, height, 3));
  });

  it('keeps grey as one channel and reduces 16 bits to 8', async () => {
    const grey = sharp(waves(width, height, 1), { raw: { width, height, channels: 1 } });
    const eight = await decodeImage(await grey.clone().toColourspace('b-w').png().toBuffer());
    assert.equal(eight.channels, 1);
    assert.deepEqual(new Uint8Array(eight.pixels), waves(width, height, 1));
    const sixteen = await decodeImage(await rgb.clone().toColourspace('rgb16').png().toBuffer());
    assert.equal(sixteen.channels, 3);
    const worst = waves(width, height, 3).reduce(
      (most, v, i) => Math.max(most, Math.abs(v - sixteen.pixels[i]!)),
      0,
    );
    assert.ok(worst <= 1, `16 bit image off by ${worst}`);
  });

  it('converts CMYK and leaves EXIF rotation alone', async () => {
    const cmyk = await decodeImage(await rgb.clone().toColourspace('cmyk').jpeg().toBuffer());
    assert.equal(cmyk.channels, 3);
    const turned = await decodeImage(await rgb.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer());
    assert.deepEqual([turned.width, turned.height], [width, height]);
  });

  it('says why an image is unusable', async () => {
    const jpeg = await rgb.clone().jpeg().toBuffer();
    await assert.rejects(decodeImage(new Uint8Array()), /empty/);
    await assert.rejects(decodeImage(Buffer.from('not an image')), /unsupported image format/);
    await assert.rejects(decodeImage(jpeg.subarray(0, jpeg.length / 2)), /premature end|truncated/i);
    const frames = sharp(Buffer.concat([waves(8, 8, 3), waves(8, 8, 3, 1)]), {
      raw: { width: 8, height: 16, channels: 3, pageHeight: 8 },
    });
    await assert.rejects(decodeImage(await frames.webp({ loop: 0 }).toBuffer()), /animated \(2 frames\)/);
    await assert.rejects(decodeImage(await claiming(12_000, 9_000)), /12000x9000/);
  });
});

/** A tiny PNG whose header claims another size: opening it must not allocate that. */
async function claiming(claimedWidth: number, claimedHeight: number): Promise<Buffer> {
  const png = await rgb.clone().png().toBuffer();
  // After the 8-byte signature: chunk length, "IHDR", width, height, 5 more bytes, CRC over type and data.
  png.writeUInt32BE(claimedWidth, 16);
  png.writeUInt32BE(claimedHeight, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}
