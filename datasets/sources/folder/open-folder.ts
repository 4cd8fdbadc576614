import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../../pipeline/util/format.ts';
import type { Source } from '../../contract.ts';
import { decodeImage } from '../../decode-image.ts';
import { listFolder, type FolderOptions } from './list-folder.ts';

const maxFileBytes = 256e6;

/** The images of a folder. @throws BlockForgeError as `listFolder` */
export async function openFolder(folder: string, options: FolderOptions = {}): Promise<Source> {
  const { description, root, classes, items, account } = await listFolder(folder, options);
  return {
    description,
    classes,
    items,
    account,
    content: async ({ id }) => {
      const path = join(root, id);
      const found = await stat(path);
      if (!found.isFile()) throw new Error('not a file any more');
      if (found.size > maxFileBytes) throw new Error(`a file of ${formatBytes(found.size)}`);
      return readFile(path);
    },
    decode: (_, content) => decodeImage(content),
  };
}
