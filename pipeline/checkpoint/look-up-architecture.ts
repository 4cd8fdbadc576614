import { familyName } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import { knownNames, namedArchitecture, refusedArchitecture, refusedForm } from './architectures.ts';
import type { NamedArchitecture } from './named-architecture.ts';
import type { ShapeFacts } from './shapes.ts';
import type { SideConfig } from './side-config.ts';

/** What both the name and the shapes tell. */
const compare = [
  ...(['family', 'width', 'depth', 'patchSize'] as const),
  ...(['classToken', 'registers', 'normPre', 'rotary', 'relativePositionBias', 'gated'] as const),
] as const;

/**
 * The named architecture of the YAML, else of timm's config.json; checked against the shapes.
 * @param isActivationTold by who goes before the name in config.json: else its own is that of blocks with or without gates
 * @throws BlockForgeError `config-invalid`, `checkpoint-unsupported`
 */
export function lookUpArchitecture(
  given: string | undefined,
  side: SideConfig,
  facts: ShapeFacts,
  path: string,
  isActivationTold: boolean,
): NamedArchitecture | undefined {
  const name = given ?? side.architectureName;
  if (name === undefined) return undefined;
  const named = namedArchitecture(name);
  if (named === undefined) {
    if (given !== undefined) return refuseName('teacher.architecture', given);
    // Of the form alone: other arguments may have made of sizes that do not fit ones that do, and the weights tell.
    const why = refusedForm(name);
    if (why === undefined) return undefined;
    return fail({
      reason: 'checkpoint-unsupported',
      subject: side.documents[0]?.path ?? path,
      found: `architecture "${name}": ${why}`,
      expected: knownNames,
    });
  }
  if (named.unread !== undefined) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: (given === undefined ? side.documents[0]?.path : undefined) ?? path,
      found: `${named.unread}, which "${name}" means and no weight shows`,
      expected: 'positions that are learned, or rotary as those of DINOv3',
    });
  }
  // Arguments of timm's config.json are compared with the weights themselves.
  const told: readonly string[] = [
    'classToken',
    'registers',
    'normPre',
    ...(isActivationTold ? ['gated'] : []),
  ];
  const compared = { ...facts, family: familyName(facts) };
  const meant = { ...named.facts, family: familyName(named.facts) };
  const wrong = compare.filter(
    (key) =>
      meant[key] !== compared[key] &&
      !(given === undefined && (side.replaced as readonly string[]).includes(key)) &&
      !(given === undefined && told.includes(key)),
  );
  if (wrong.length > 0) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: wrong.map((key) => `${key} ${String(compared[key] ?? 'as usual')}`).join(', '),
      expected: `${wrong.map((key) => `${key} ${String(meant[key] ?? 'as usual')}`).join(', ')}, which "${name}" means`,
      next:
        given === undefined
          ? `correct config.json beside the weights${wrong.includes('gated') ? ', or teacher.hints.gelu says the activation of the blocks that there are' : ''}`
          : 'correct or remove teacher.architecture',
    });
  }
  return named;
}

/**
 * @param key the setting that says the name
 * @throws BlockForgeError `config-invalid`, always
 */
export function refuseName(key: string, name: string): never {
  const why = refusedArchitecture(name);
  return fail({
    reason: 'config-invalid',
    subject: key,
    found: why === undefined ? `"${name}"` : `"${name}": ${why}`,
    expected: knownNames,
  });
}
