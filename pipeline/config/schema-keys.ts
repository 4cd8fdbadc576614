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
  for (const key of path) schemas = schemas.flatMap((schema) => membersAt(schema, key));
  return schemas.flatMap(shapesOf);
}

/** What a value's member `key` may be: of a map by its name, of a list all alike. */
function membersAt(schema: Schema, key: PropertyKey): Schema[] {
  return behind(schema).flatMap(({ def }) => {
    if (def.type === 'array') return typeof key === 'number' ? [def.element] : [];
    return def.type === 'object' && Object.hasOwn(def.shape, key) ? [def.shape[String(key)]!] : [];
  });
}

/** The object shapes behind defaults, optionals and unions. */
function shapesOf(schema: Schema): Record<string, Schema>[] {
  return behind(schema).flatMap(({ def }) => (def.type === 'object' ? [def.shape] : []));
}

/** What is behind defaults, optionals and unions. */
function behind(schema: Schema): z.core.$ZodTypes['_zod'][] {
  const own = (schema as z.core.$ZodTypes)._zod;
  switch (own.def.type) {
    case 'union':
      return own.def.options.flatMap((option) => behind(option));
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return behind(own.def.innerType);
    default:
      return [own];
  }
}
