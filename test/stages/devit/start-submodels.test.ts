import assert from 'node:assert/strict';
import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { modelCosts } from '../../../pipeline/model/costs.ts';
import { planNotes } from '../../../pipeline/stages/devit/notes.ts';
import { planDevit } from '../../../pipeline/stages/devit/plan-devit.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { present } from '../../support/present.ts';
import { planInput, small, teacher } from './plan-input.ts';

const startsOf = (config: object, found?: Architecture) =>
  present(planDevit(planInput(config, found))[0]).submodels.map(({ start, limits }) => ({ start, limits }));
const refusal = (config: object, found?: Architecture): string => {
  try {
    planDevit(planInput(config, found));
  } catch (error) {
    assert.ok(error instanceof BlockForgeError);
    assert.equal(error.failure.reason, 'config-invalid');
    return error.message;
  }
  throw new Error('the students were accepted');
};
const checkpoint = { checkpoint: '/models/small' };
const random = { architecture: { width: 96, depth: 6, heads: 3, hidden: 384 } };

describe('what sub-models start from', () => {
  it('is the teacher by default, one student for all, or one for each', () => {
    assert.deepEqual(
      startsOf({ devices: 2 }).map(({ start }) => start.from),
      ['teacher', 'teacher'],
    );
    const kinds = startsOf({ devices: 3, students: ['teacher', checkpoint, random] }).map(
      ({ start }) => start.from,
    );
    assert.deepEqual(kinds, ['teacher', 'checkpoint', 'random']);
    assert.match(
      refusal({ devices: 3, students: ['teacher', random] }),
      /test\.yaml: students.*2 for the 3 sub-models of 3-devices/s,
    );
  });

  it('is a cheaper student as it is, and a dearer one cut', () => {
    const [whole] = startsOf({ devices: 2, students: [checkpoint] });
    const own = modelCosts({ ...small, classes: 6 });
    assert.deepEqual(present(whole).limits, { macs: own.macs, sizeBytes: own.sizeBytes });
    const macs = (0.5 * modelCosts(small).macs) / modelCosts(teacher).macs;
    const [cut] = startsOf({ devices: 2, students: [checkpoint], submodel: { macs } });
    assert.deepEqual(
      [present(cut).start.from, (present(cut).start as { cut: boolean }).cut],
      ['checkpoint', true],
    );
    assert.ok(Math.abs(present(cut).limits.macs / modelCosts(small).macs - 0.5) < 1e-9);
  });

  it('is refused where images, patches, limits or its kind do not fit', () => {
    const wide = { ...small, imageSize: 384 };
    assert.match(refusal({ devices: 2, students: [checkpoint] }, wide), /students\[0\].*384 px.*224 px/s);
    const grey = { ...small, channels: 1 as const };
    assert.match(refusal({ devices: 2, students: [checkpoint] }, grey), /1 channel.*3 channels/s);
    const fine = { ...small, patchSize: 32 };
    assert.match(refusal({ devices: 2, students: [checkpoint] }, fine), /49 patches.*196.*relations/s);
    const free = { weights: { relations: { q: 0, k: 0, v: 0 } } };
    assert.equal(startsOf({ devices: 2, students: [checkpoint], train: free }, fine).length, 2);
    const large = { architecture: { width: 768, depth: 12, heads: 12, hidden: 3072 } };
    assert.match(refusal({ devices: 2, students: [large] }), /students\[0\].*narrower or shallower/s);
  });

  it('is said in the plan, random weights above all', () => {
    const notes = planNotes(planInput({ devices: 2, students: [checkpoint, random] })).join('\n');
    assert.match(
      notes,
      /as the checkpoint of students\[0\], with a new head; from random weights \(students\[1\]\)/,
    );
    const taught = planNotes(planInput({ devices: 2, subteachers: 'fine-tuned' })).join('\n');
    assert.match(taught, /cut out of the teacher, each with a teacher of its own/);
  });

  it('makes the models to compare with as dear as the students are, not as their limits', () => {
    const [fleet] = planDevit(planInput({ devices: 2, students: [random], submodel: { macs: 0.3 } }));
    const { limits } = present(present(fleet).baselines.find(({ kind }) => kind === 'total'));
    assert.equal(limits.macs, 2 * present(present(fleet).submodels[0]).limits.macs);
  });

  it('says where models to compare with cannot be trained as long, as durations have two units', () => {
    const notes = (more: object) => planNotes(planInput({ devices: 2, ...more })).join('\n');
    const steps = { train: { duration: { steps: 5 } } };
    assert.match(
      notes(steps),
      /2-devices: models to compare with .*ensemble\.duration is in epochs, not in steps/,
    );
    for (const equal of [{}, { ...steps, ensemble: { train: 'frozen' } }, { ...steps, baselines: [] }]) {
      assert.doesNotMatch(notes(equal), /models to compare with/);
    }
  });

  it('is too cheap for a model to compare with: that says to leave the comparison out', () => {
    const tiny = { architecture: { width: 8, depth: 1, heads: 1, hidden: 8 } };
    const config = { devices: 2, students: [tiny] };
    assert.match(refusal(config), /2-devices-small-\w+:.*next: leave "\w+" out of baselines/s);
    assert.equal(startsOf({ ...config, baselines: [] }).length, 2);
  });
});
