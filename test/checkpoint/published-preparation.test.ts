import assert from 'node:assert/strict';
import { join } from 'node:path';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import { readJson } from '../../pipeline/util/atomic.ts';
import { present } from '../support/present.ts';

/** As `test/fixtures/architectures/make-images.py` writes it. */
interface Kind {
  readonly tags: readonly string[];
  readonly size: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly interpolation: string;
  readonly share: number;
  readonly mode: 'center' | 'squash';
}
type Images = Readonly<Record<string, { readonly default: string; readonly kinds: readonly Kind[] }>>;

const file = join(import.meta.dirname, '..', 'fixtures', 'architectures', 'images.json');
const { models } = await readJson<{ models: Images }>(file);
const understood = Object.entries(models).filter(
  ([name]) => namedArchitecture(name) !== undefined && namedArchitecture(name)?.unread === undefined,
);

/** timm's words in ours. */
function preparationOf({ size, mean, std, interpolation, share, mode }: Kind): object {
  const resizeMode = mode === 'squash' ? 'stretch' : 'shortest';
  return { resize: Math.floor(size / share), resizeMode, interpolation, mean, std };
}

describe('how images are prepared for published weights', () => {
  it('is told by name and tag as timm prepares them', () => {
    assert.ok(understood.length > 120);
    for (const [name, { kinds }] of understood)
      for (const kind of kinds)
        for (const tag of kind.tags)
          assert.deepEqual(
            namedArchitecture(`${name}.${tag}`)?.preprocessing,
            preparationOf(kind),
            `${name}.${tag}`,
          );
  });

  it('is told by a name alone as for the tag that timm means by it', () => {
    for (const [name, { default: tag, kinds }] of understood) {
      const kind = present(kinds.find(({ tags }) => tags.includes(tag)));
      assert.deepEqual(namedArchitecture(name)?.preprocessing, preparationOf(kind), name);
    }
  });

  it('is not told by names of no weights, nor by tags of plain ViTs that timm does not have', () => {
    for (const name of [
      ...['vit_giant_patch14_224', 'vit_gigantic_patch14_224'],
      ...['vit_base_patch16_plus_240', 'vit_small_patch16_36x1_224'],
      'vit_base_patch16_gap_224',
      'vit_base_patch16_reg4_gap_256',
      'vit_betwixt_patch16_gap_256',
      'vit_so150m_patch16_reg4_map_256',
      'vit_base_patch16_224.mine',
    ])
      assert.equal(present(namedArchitecture(name)).preprocessing, undefined, name);
  });
});
