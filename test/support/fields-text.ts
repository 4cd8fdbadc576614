import { fieldTables, type FieldTable } from '../../pipeline/checkpoint/fields.ts';

/** The tables of fields as docs/inputs.md has them. */
export function fieldsText(): string {
  return Object.values(fieldTables)
    .map((table) => `**${table.title}**\n\n${[...lines(table)].join('\n')}\n\n`)
    .join('');
}

function* lines({ used, agrees, shown, only, harmless }: FieldTable): Generator<string> {
  const named = (fields: readonly string[]): string => fields.map((field) => `\`${field}\``).join(', ');
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
  yield `- of no matter: ${named(harmless)}.`;
}
