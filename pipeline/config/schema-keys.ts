import type { z } from 'zod';
import { configSchema } from './schema.ts';

type Schema = z.core.$ZodType;

/** The keys a map at `path` of a config may have, one list for each alternative of a union. */
export function keysAt(path: readonly PropertyKey[]): string[][] {
  return shapesAt(path).map((shape) => Object.keys(shape));
}

/** Every place of the config schema that knows `key`, e.g. "distill.learningRate": for keys put on the wrong level. */
export function placesOfKey(key: string): string[] {
  const places: string[] = [];
  const visit = (schema: Schema, path: string): void => {
    for (const shape of shapesOf(schema)) {
      for (const [name, member] of Object.entries(shape)) {
        const memberPath = path === '' ? name : `${path}.${name}`;
        if (name === key) places.push(memberPath);
        visit(member, memberPath);
      }
    }
  };
  visit(configSchema, '');
  return places;
}

function shapesAt(path: readonly PropertyKey[]): Record<string, Schema>[] {
  let schemas: Schema[] = [configSchema];
  for (const key of path) {
    schemas = schemas.flatMap((schema) =>
      shapesOf(schema).flatMap((shape) => (Object.hasOwn(shape, key) ? [shape[String(key)]] : [])),
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
