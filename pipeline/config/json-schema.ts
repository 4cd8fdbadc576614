import { z } from 'zod';
import { configSchema } from './schema.ts';

/**
 * The JSON Schema that gives editors completion and checking for configs, committed as `configs/schema.json`.
 * A config opts in with its first line: `# yaml-language-server: $schema=./schema.json` (a path relative to it).
 *
 * It is laxer than the loader in two ways: what a config extends may bring its required keys, so `required` is kept
 * only inside alternatives; and `${NAME}` references are texts, which only keys of type string accept.
 */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, properties, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  const settings = Object.fromEntries(
    Object.entries(properties ?? {}).map(([key, value]) => [key, withoutRequired(value)]),
  );
  const { required, ...root } = rest;
  return {
    $schema,
    title: 'BlockForge config',
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
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
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
