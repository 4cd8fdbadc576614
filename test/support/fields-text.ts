import { fieldTables, transformersGeneric, type FieldTable } from '../../pipeline/checkpoint/fields.ts';

/** The tables of fields as docs/teacher-fields.md has them. */
export function fieldsText(): string {
  const tables = Object.values(fieldTables).map(
    (table) => `## ${table.title}\n\n${[...lines(table)].join('\n')}\n\n`,
  );
  return `${tables.join('')}## What transformers writes into any config.json\n\n- of no matter: ${named(transformersGeneric)}.\n\n`;
}

function named(fields: readonly string[]): string {
  return fields.map((field) => `\`${field}\``).join(', ');
}

function* lines({ used, agrees, shown, only, harmless }: FieldTable): Generator<string> {
  const told = Object.entries(used).map(([field, tells]) => `\`${field}\` (${tells})`);
  yield `- used: ${told.join('; ')}.`;
  const checked = [...Object.keys(agrees), ...Object.keys(shown)];
  if (checked.length > 0) yield `- must agree with the weights: ${named(checked)}.`;
  const limited = Object.entries(only).map(([field, values]) =>
    values.length === 0
      ? `no \`${field}\``
      : `\`${field}\` ${values.map((value) => `\`${JSON.stringify(value)}\``).join(' or ')}`,
  );
  if (limited.length > 0) yield `- only: ${limited.join(', ')}.`;
  const isGeneric = transformersGeneric.every((field) => harmless.includes(field));
  const own = harmless.filter((field) => !isGeneric || !transformersGeneric.includes(field));
  yield `- of no matter: ${named(own)}${isGeneric ? ', and what transformers writes into any config (last list)' : ''}.`;
}
