import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvidenceState } from '../../pipeline/recipe/evidence.ts';
import { loadEvidence, saveEvidence } from '../../pipeline/recipe/evidence-checkpoint.ts';
import { present } from '../support/present.ts';

const state = (count: number): EvidenceState => ({
  statistics: {
    count,
    shift: Float32Array.of(0.1, 0.2),
    sum: Float64Array.of(1 / 3, count),
    products: Float64Array.of(1e-300, 2, 3, 4),
  },
  activeRate: { count, sum: Float64Array.of(1, 0), threshold: 0.01 / 3 },
  saliency: { count, sum: Float64Array.of(Math.PI, 0) },
});

describe('the checkpoint of a calibration pass', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-evidence-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives back what was kept, to the bit, of every block', async () => {
    const progress = { image: 64 };
    await saveEvidence(folder, [state(0.7), state(128)], progress);
    assert.deepEqual(await loadEvidence(folder, 2), { states: [state(0.7), state(128)], progress });
  });

  it('keeps nothing of what was not asked for', async () => {
    const { statistics } = state(3);
    const none = { statistics, activeRate: undefined, saliency: undefined };
    await saveEvidence(folder, [none], { image: 1 });
    assert.deepEqual(present(await loadEvidence(folder, 1)).states, [{ statistics }]);
  });

  it('is not there before it is whole', async () => {
    assert.equal(await loadEvidence(folder, 1), undefined);
    await saveEvidence(folder, [state(1)], { image: 1 });
    const broken = { ...state(2), statistics: null } as unknown as EvidenceState;
    await assert.rejects(saveEvidence(folder, [broken, undefined as unknown as EvidenceState], { image: 2 }));
    assert.equal(await loadEvidence(folder, 1), undefined, 'half of the blocks are of a later state');
  });
});
