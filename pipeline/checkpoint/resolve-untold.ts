import type { Architecture } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import { exampleNames } from './architectures.ts';
import type { NamedArchitecture } from './named-architecture.ts';
import { hintNote } from './hint-note.ts';
import type { ArchitectureHints, InspectOptions } from './inspect-options.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { SideConfig } from './side-config.ts';

const untold = ['heads', 'layerNormEpsilon', 'gelu'] as const;
export type Untold = (typeof untold)[number];

/**
 * What no shape tells, of each fact the first source that tells it; `notes` where the user says otherwise than the next one.
 * @throws BlockForgeError `checkpoint-unsupported` where none does
 */
export function resolveUntold(
  stored: StoredCheckpoint,
  { hints = {}, architectureName }: InspectOptions,
  own: Partial<Pick<Architecture, Untold>> | undefined,
  side: SideConfig,
  named: NamedArchitecture | undefined,
): { values: Pick<Architecture, Untold>; origin: Record<Untold, string>; notes: readonly string[] } {
  const name = architectureName ?? side.architectureName;
  const others: (readonly [string, Pick<ArchitectureHints, Untold>])[] = [
    ['the file itself', own ?? {}],
    ...(architectureName === undefined ? [] : [[`architecture "${name}"`, named?.facts ?? {}] as const]),
    ['config.json', side],
    [`architecture "${name}" in config.json`, named?.facts ?? {}],
    ['config.json, where transformers takes its default', side.defaults ?? {}],
  ];
  const sources = [['teacher.hints', hints] as const, ...others];
  const notes = untold.flatMap((key) =>
    hintNote(
      key,
      hints[key],
      others.map(([who, facts]) => [who, facts[key]] as const),
    ),
  );
  const values: Partial<Record<Untold, unknown>> = {};
  const origin: Partial<Record<Untold, string>> = {};
  for (const key of untold) {
    const source = sources.find(([, facts]) => facts[key] !== undefined);
    if (source === undefined) continue;
    values[key] = source[1][key];
    origin[key] = source[0];
  }
  const missing = untold.filter((key) => values[key] === undefined);
  if (missing.length > 0) {
    const examples: Record<Untold, string> = { heads: '12', layerNormEpsilon: '1e-6', gelu: 'exact' };
    fail({
      reason: 'checkpoint-unsupported',
      subject: stored.path,
      found: `the weights do not tell ${missing.join(', ')}`,
      expected:
        side.documents.length === 0
          ? 'the config.json that belongs to them in the same folder, or one of the two below'
          : 'a config.json that tells it or names an architecture known here, or one of the two below',
      next:
        `teacher.hints: { ${missing.map((key) => `${key}: ${examples[key]}`).join(', ')} } with this model's own values, ` +
        `or teacher.architecture: NAME, ${exampleNames}: docs/inputs.md`,
    });
  }
  return { values: values as Pick<Architecture, Untold>, origin: origin as Record<Untold, string>, notes };
}
