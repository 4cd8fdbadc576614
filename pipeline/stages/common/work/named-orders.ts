import { folderOrders, inFolderOrder } from '../../../../datasets/classes/folder-order.ts';
import { known } from '../../../util/known.ts';
import type { ModelClasses } from '../classes.ts';

/** The orders that folders might have been numbered in, as the output of each class. */
export function namedOrders(
  classes: readonly string[],
  by: ModelClasses['by'],
): ReadonlyMap<string, readonly number[]> {
  if (by === 'numbers') return new Map();
  return new Map(
    folderOrders.map((name) => {
      const outputs = new Map(inFolderOrder(classes, name).map((folder, output) => [folder, output]));
      return [name, classes.map((folder) => known(outputs, folder))];
    }),
  );
}
