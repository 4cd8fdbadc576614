import type { z } from 'zod';

export type Schema = z.core.$ZodType;

/** The keys a map at `path` of a config may have, one list for each alternative of a union. */
export function keysAt(root: Schema, path: readonly PropertyKey[]): string[][] {
  return shapesAt(root, path).map((shape) => Object.keys(shape));
}

/** Every key of a config with its path, e.g. "distill.learningRate". */
export function allKeyPaths(root: Schema): readonly (readonly string[])[] {
  const paths: string[][] = [];
  const visit = (schema: Schema, path: readonly string[]): void => {
    for (const shape of shapesOf(schema)) {
      for (const [name, member] of Object.entries(shape)) {
        paths.push([...path, name]);
        visit(member, [...path, name]);
      }
    }
  };
  visit(root, []);
  return paths;
}

function shapesAt(root: Schema, path: readonly PropertyKey[]): Record<string, Schema>[] {
  let schemas: Schema[] = [root];
  for (const key of path) {
    schemas = schemas.flatMap((schema) =>
      shapesOf(schema).flatMap((shape) => (Object.hasOwn(shape, key) ? [shape[String(key)]!] : [])),
    );
  }
  return schemas.flatMap(shapesOf);
}

/** The object shapes behind defaults, optionals and unions. */
function shapesOf(schema: Schema): Record<string, Schema>[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return [def.shape];
    case 'union':
      return def.options.flatMap((option) => shapesOf(option));
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return shapesOf(def.innerType);
    default:
      return [];
  }
}
