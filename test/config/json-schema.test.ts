import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { configJsonSchema, configJsonSchemaText } from '../../pipeline/config/json-schema.ts';
import { blocksSchema } from '../../pipeline/stages/blocks/schema.ts';
import { blocks, methods } from '../../pipeline/stages/methods.ts';

const committed = new URL('../../configs/schema.json', import.meta.url);

describe('configs/schema.json', () => {
  it('is what the schema gives (UPDATE_FIXTURES=1 writes it anew)', () => {
    if (process.env.UPDATE_FIXTURES) writeFileSync(committed, configJsonSchemaText(methods));
    // Compared as values: the formatter may lay the file out in its own way.
    assert.deepEqual(
      JSON.parse(readFileSync(committed, 'utf8')),
      JSON.parse(configJsonSchemaText(methods)),
      'the config schema changed: UPDATE_FIXTURES=1 npx mocha, then commit configs/schema.json',
    );
  });

  it('knows every key of the schema, and extends', () => {
    const { properties } = configJsonSchema([blocks]) as { properties: Record<string, unknown> };
    assert.deepEqual(Object.keys(properties), ['extends', ...Object.keys(blocksSchema.shape)]);
  });

  it('asks for required keys only where nothing can be inherited', () => {
    const { anyOf, properties } = configJsonSchema([blocks]) as {
      anyOf: unknown;
      properties: {
        data: object;
        distill: { properties: { duration: { anyOf: { required: string[] }[] } } };
      };
    };
    assert.deepEqual(anyOf, [{ required: ['extends'] }, { required: ['teacher', 'data'] }]);
    assert.equal('required' in properties.data, false);
    assert.deepEqual(
      properties.distill.properties.duration.anyOf.map(({ required }) => required),
      [['epochs'], ['steps'], ['minutes']],
    );
  });
});
