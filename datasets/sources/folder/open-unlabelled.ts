import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../pipeline/util/failure.ts';
import type { Source } from '../../contract.ts';
import { decodeImage } from '../../decode-image.ts';
import { imagesBelow } from './tree.ts';
import { walkFolder } from './walk.ts';

/**
 * All images at and below a folder, as one class: for whoever reads no label.
 * @throws BlockForgeError `file-missing` without images; `data-invalid` as `walkFolder`
 */
export async function openUnlabelled(folder: string): Promise<Source> {
  const missing = (found: string) =>
    fail({ reason: 'file-missing', subject: folder, found, expected: 'a folder with images in it' });
  const root = await realpath(folder).catch(() => missing('no such folder'));
  const items = imagesBelow(await walkFolder(root, false), '').map((id) => ({
    id,
    label: 0,
    origin: 'all' as const,
  }));
  if (items.length === 0) missing('no images');
  return {
    description: `folder ${folder}`,
    classes: ['image'],
    items,
    content: ({ id }) => readFile(join(root, id)),
    decode: (_, content) => decodeImage(content),
  };
}
