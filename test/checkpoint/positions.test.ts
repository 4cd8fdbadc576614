import assert from 'node:assert/strict';
import type { NamedArrays } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture, asHuggingface } from '../support/checkpoints.ts';
import { namesRig } from './names-rig.ts';

const without = (part: string, tensors: NamedArrays): NamedArrays =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.includes(part)));

describe('checkpoint: positions that are not stored', () => {
  const { refusal, inspected } = namesRig();

  it('are missing, and are rotary of no model but those that have such', async () => {
    const registers = without('pos_embed', strongWeights({ ...tinyArchitecture, registers: 2 }));
    assert.match(
      await refusal(inspected(registers)),
      /no positions: no tensor pos_embed\n.*\n.*vit_SIZE_patchP_dinov3/,
    );
    const huggingface = without('position_embeddings', asHuggingface(strongWeights(tinyArchitecture)));
    assert.match(
      await refusal(inspected(huggingface)),
      /no positions: no tensor vit\.embeddings\.position_embeddings/,
    );
  });
});
