/** Endings of files that are decoded, by what the file says it is and not by its ending. */
export const imageEndings: ReadonlySet<string> = new Set(
  'jpg jpeg jpe jfif png webp gif tif tiff bmp ppm pgm pbm pnm avif'.split(' ').map((ending) => `.${ending}`),
);

/** Pictures that nothing here decodes: leaving them out is said aloud. */
export const foreignImageEndings: ReadonlySet<string> = new Set(
  'heic heif jp2 j2k jxl svg psd ai eps ico tga dds exr hdr dng cr2 nef arw raw npy mat zip tar gz'
    .split(' ')
    .map((ending) => `.${ending}`),
);

/** Files that may say the classes of images in a folder without class folders. */
export const tableEndings: ReadonlySet<string> = new Set(['.csv', '.tsv', '.txt', '.jsonl', '.json']);

/** What file servers, archives and desktops leave between images; compared in lower case. */
const systemNames: ReadonlySet<string> = new Set([
  '@eadir',
  '@recycle',
  '@recently-snapshot',
  '#recycle',
  '#snapshot',
  '__macosx',
  '__pycache__',
  'lost+found',
  '$recycle.bin',
  'system volume information',
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
]);

export function isSystemName(name: string): boolean {
  return name.startsWith('.') || systemNames.has(name.toLowerCase());
}

/** ".jpg" of "a/B.JPG"; '' without one. */
export function endingOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= name.lastIndexOf('/') + 1 ? '' : name.slice(dot).toLowerCase();
}
