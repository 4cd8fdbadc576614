import { nearest } from '../config/nearest.ts';
import { fail } from '../util/failure.ts';
import type { StoredCheckpoint } from './locate.ts';
import { foundNames } from './names-table.ts';
import type { Naming } from './naming-contract.ts';
import { packedQueries } from './packed.ts';
import { partName, partsOf, withDot } from './stems.ts';
import { listedKey, toldKeys } from './told-keys.ts';

/** `teacher.names`: a canonical name -> the stored one without `.weight` and `.bias`, or those of q, k and v. */
export type ToldNames = Readonly<Record<string, string | readonly string[]>>;

/**
 * The names that the user tells; what is not told is looked for under its canonical (timm's) name.
 * @param hints `prefix`: what stands before all of them; `head`: the head's whole name, where `names` has none
 * @throws BlockForgeError `config-invalid`: a key that names no part, a name that no tensor has, or one of two parts
 */
export function toldNaming(
  stored: StoredCheckpoint,
  names: ToldNames,
  { prefix = '', head }: { readonly prefix?: string | undefined; readonly head?: string | undefined } = {},
): Naming {
  const { tensors } = stored;
  const place = withDot(prefix);
  for (const key of Object.keys(names)) requireKnown(key, names[key]!);
  const stemsOf = (layer: string, index: string | undefined): readonly string[] => {
    if (layer === 'head' && names.head === undefined && head !== undefined) return [head];
    const key = index === undefined ? layer : `blocks.{i}.${layer}`;
    return [names[key] ?? key].flat().map((name) => `${place}${name.replace('{i}', index ?? '')}`);
  };
  const partsIn = (canonical: string): readonly string[] => {
    const { index, layer, part } = partsOf(canonical);
    return stemsOf(layer, index).map((stem) => partName(tensors, stem, part));
  };
  for (const key of Object.keys(names)) {
    const absent = partsIn(`${key.replace('{i}', '0')}${partOf(key)}`).find((name) => !tensors.has(name));
    if (absent !== undefined) refuseAbsent(stored, key, names[key]!, absent);
  }
  requireApart(stored, (key) => partsIn(`${key.replace('{i}', '0')}${partOf(key)}`));
  const headDist = 'head_dist' in names ? names.head_dist : undefined;
  const token = 'dist_token' in names ? partsIn('dist_token')[0] : undefined;
  return {
    name: 'told',
    stored: partsIn,
    scale: () => undefined,
    heads: stemsOf('head', undefined),
    isNormAfterPool: /(?:^|\.)fc_norm$/.test(String(names.norm)),
    distillation: { token, head: headDist === undefined ? undefined : `${place}${headDist as string}` },
    isOther: (name) => !name.startsWith(place),
    norms: /linear1$/.test(stemsOf('mlp.fc1', '0')[0]!) ? 'open' : 'assumed',
    notes: [
      'names are those of teacher.names',
      ...(partsIn('pre_logits.weight').some((name) => tensors.has(name))
        ? ['tanh is taken to follow pre_logits']
        : []),
      ...packedQueries([names[listedKey] ?? []].flat()),
    ],
  };
}

/** A tensor that is all there is has no parts. */
function partOf(key: string): '' | '.weight' {
  return /token$|^pos_embed$/.test(key) ? '' : '.weight';
}

/** No tensor is two parts, told or not, but for gates and values in one. @param partsIn the tensors of a key, of the first block */
function requireApart({ tensors }: StoredCheckpoint, partsIn: (key: string) => readonly string[]): void {
  const places = toldKeys.flatMap(({ key }) =>
    partsIn(key)
      .filter((name) => tensors.has(name))
      .map((name) => ({ name, key })),
  );
  for (const [at, { name, key }] of places.entries()) {
    const other = places.slice(0, at).find((place) => place.name === name);
    if (other === undefined || (other.key.endsWith('mlp.fc1') && key.endsWith('mlp.gate'))) continue;
    fail({
      reason: 'config-invalid',
      subject: `teacher.names.${key}`,
      found: `the tensor ${name}, which is ${other.key === key ? 'told twice' : `${other.key}, too`}`,
      expected: 'another tensor for each part; what is not told is looked for under its own key',
    });
  }
}

function requireKnown(key: string, name: string | readonly string[]): void {
  const refuse = (found: string, expected: string): never =>
    fail({ reason: 'config-invalid', subject: `teacher.names.${key}`, found, expected });
  if (!toldKeys.some((known) => known.key === key)) {
    const close = nearest(
      key,
      toldKeys.map((known) => known.key),
    );
    refuse(
      close === undefined ? 'no part of a model' : `no part of a model: did you mean ${close}?`,
      `one of ${toldKeys.map((known) => known.key).join(', ')}`,
    );
  }
  if (typeof name !== 'string' && (key !== listedKey || name.length !== 3)) {
    refuse(
      `a list of ${name.length} names`,
      `one name; three only of ${listedKey}, where q, k and v are apart`,
    );
  }
  const isOfBlock = key.startsWith('blocks.');
  for (const one of [name].flat()) {
    const count = one.split('{i}').length - 1;
    if (count === (isOfBlock ? 1 : 0)) continue;
    refuse(
      `"${one}"`,
      isOfBlock
        ? 'a name with one {i}, where the number of the block stands'
        : 'a name without {i}: it is of no block',
    );
  }
}

function refuseAbsent(
  { tensors, path }: StoredCheckpoint,
  key: string,
  told: string | readonly string[],
  absent: string,
): never {
  const text = [told].flat().join(', ');
  return fail({
    reason: 'config-invalid',
    subject: `teacher.names.${key}`,
    found: `"${text}", and no tensor ${absent} in ${path}, which has:${foundNames(tensors)}`,
    expected: 'names of tensors without .weight and .bias; blocks are numbered from 0',
  });
}
