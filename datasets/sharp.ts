import sharp from 'sharp';

/**
 * sharp, set up once for this program: parallelism comes from decoding many images at once, so each image gets one
 * thread, and libvips' own cache of operations would only hold memory for images that are never seen twice.
 */
sharp.concurrency(1);
sharp.cache(false);

export { sharp };
