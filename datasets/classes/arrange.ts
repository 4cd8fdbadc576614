import { fail } from '../../pipeline/util/failure.ts';
import type { Item, Source } from '../contract.ts';

/**
 * A source with its classes in another order, or with some of them: an image's label is its class's place in `classes`,
 * and images of other classes are left out. The images, their ids and contents stay what they are.
 * @param classes names that the source has; null for its own
 * @throws BlockForgeError `data-invalid` for a name that the source does not have
 */
export function arrangeClasses(source: Source, classes: readonly string[] | null): Source {
  if (classes === null || classes.join('\0') === source.classes.join('\0')) return source;
  const places = new Map(classes.map((name, place) => [name, place]));
  const own = new Set(source.classes);
  const unknown = classes.find((name) => !own.has(name));
  if (unknown !== undefined) {
    fail({
      reason: 'data-invalid',
      subject: source.description,
      found: `no class ${JSON.stringify(unknown)}`,
      expected: `the ${classes.length.toLocaleString('en')} classes that the run was made with`,
      next: 'give the data of that run',
    });
  }
  const labels = source.classes.map((name) => places.get(name));
  const items = source.items.flatMap((item): Item[] => {
    const label = labels[item.label];
    return label === undefined ? [] : [{ ...item, label }];
  });
  return { ...source, classes, items };
}
