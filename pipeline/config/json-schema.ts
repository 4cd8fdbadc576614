import { z } from 'zod';
import type { MethodSchema } from './method.ts';

/**
 * The JSON Schema that gives editors completion and checking for configs, committed as `configs/schema.json`.
 * A config opts in with its first line: `# yaml-language-server: $schema=./schema.json` (a path relative to it).
 *
 * It is laxer than the loader in two ways: what a config extends may bring its required keys, so `required` is kept
 * only inside alternatives; and `${NAME}` references are texts, which only keys of type string accept.
 */
export function configJsonSchema(methods: readonly MethodSchema[]): Record<string, unknown> {
  const [first, ...others] = methods.map((method) => schemaOf(method));
  if (first === undefined) throw new Error('there is no method');
  const title = 'BlockForge config';
  if (others.length === 0) return { title, ...first };
  // Told apart by `method`, which only the default one may leave out.
  const named = others.map((schema) => ({ allOf: [{ required: ['method'] }], ...schema }));
  return { title, oneOf: [first, ...named] };
}

function schemaOf({ schema }: MethodSchema): Record<string, unknown> {
  const { $schema, properties, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  const settings = Object.fromEntries(
    Object.entries(properties ?? {}).map(([key, value]) => [key, withoutRequired(value)]),
  );
  const { required, ...root } = rest;
  return {
    $schema,
    ...root,
    properties: {
      extends: {
        type: 'string',
        minLength: 1,
        description: 'Another config this one changes, relative to it.',
      },
      ...settings,
    },
    anyOf: [{ required: ['extends'] }, { required }],
  };
}

/** The text of `configs/schema.json`. */
export function configJsonSchemaText(methods: readonly MethodSchema[]): string {
  return `${JSON.stringify(configJsonSchema(methods), null, 2)}\n`;
}

function withoutRequired(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutRequired);
  if (schema === null || typeof schema !== 'object') return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !(key === 'required' && Array.isArray(value)))
      // Alternatives are told apart by what they require.
      .map(([key, value]) => [key, key === 'anyOf' ? (value as unknown) : withoutRequired(value)]),
  );
}
