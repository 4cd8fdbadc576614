import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { measureEnergies } from '../../pipeline/distill/energies.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';
import { present } from '../support/present.ts';
import { abortAfter, batches, cut, heldOut, host, small, timeless, train } from './rig.ts';

describeOnEachEngine('distillStudents', () => {
  it('brings every student nearer to the teacher on unseen images, and keeps the best of its looks', async () => {
    const reports: Record<string, number>[] = [];
    const { students, history, steps } = await train({
      settings: { steps: 20 },
      onProgress: ({ metrics }) => reports.push(metrics),
    });
    assert.deepEqual(steps, { planned: 20, made: 20 });
    assert.deepEqual(
      history.map(({ step }) => step),
      [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20],
    );
    for (const [index, student] of students.entries()) {
      assert.equal(student.kept, 'trained');
      assert.ok(student.klAfter < 0.85 * student.klBefore, `${student.klBefore} -> ${student.klAfter}`);
      assert.equal(student.klAfter, Math.min(...history.slice(1).map(({ kl }) => kl[index]!)));
      assert.equal(student.klBefore, history[0]!.kl[index]);
      assert.deepEqual(
        student.gains,
        student.errorsBefore.map((error, block) => 1 - student.errorsAfter[block]! / error),
      );
      assert.deepEqual(
        student.ffns.map(({ hidden }) => hidden),
        [
          [8, 8, 8],
          [5, 6, 5],
        ][index],
      );
    }
    assert.equal(history[0]!.losses, undefined);
    const lossAt = (look: number) => present(present(history[look]).losses)[0]!;
    assert.ok(lossAt(10) < lossAt(1));
    const last = present(reports.at(-1));
    assert.ok(Number.isFinite(last['loss w0008']) && Number.isFinite(last['loss w0005']));
    assert.ok(present(last.imagesPerSecond) > 0 && present(last.gflopPerSecond) > 0);
  });

  it('trains each student as if it were alone', async () => {
    const settings = { steps: 4 };
    const both = await train({ settings });
    const alone = await train({ settings, students: [{ id: 'w0005', ffns: cut(5, 6, 5) }] });
    assert.deepEqual(alone.students[0], both.students[1]);
  });

  it('interrupted and resumed, it ends bit for bit where it would have ended', async () => {
    const settings = { steps: 7 };
    const whole = timeless(await train({ settings }));
    const checkpoint = memoryCheckpoint();
    await assert.rejects(train({ settings, checkpoint, signal: abortAfter(5) }), /Ctrl-C/);
    assert.deepEqual(timeless(await train({ settings, checkpoint })), whole);
    await assert.rejects(train({ settings: { steps: 8 }, checkpoint }), /a training of 7 steps, expected 8/);
  });

  it('on the teacher’s inputs alone makes the blocks better one by one', async () => {
    const { students } = await train({
      composedShare: 0,
      settings: {
        steps: 30,
        lookahead: 0,
        klWeight: 0,
        loss: 'mse',
        optimizer: 'adam',
        schedule: 'constant',
      },
    });
    for (const { gains } of students) assert.ok(gains.every((gain) => gain > 0), gains.join()); // prettier-ignore
  });

  it('leaves a student that equals the teacher where it is', async () => {
    const ffns = [0, 1, 2].map((block) => hostFfn(host, block));
    const { students, history } = await train({
      students: [{ id: 'w0012', ffns }],
      settings: { steps: 2, learningRate: 1e-9 },
    });
    assert.ok(history.every(({ kl, agreement }) => kl[0]! < 1e-6 && agreement[0] === 1));
    assert.ok(students[0]!.errorsBefore.every((error) => error < 1e-9));
  });

  it('keeps the refit where training made the model worse', async () => {
    const { students } = await train({ settings: { steps: 2, learningRate: 30, warmupShare: 0 } });
    for (const { kept, ffns, id } of students) {
      assert.equal(kept, 'refit');
      assert.deepEqual(ffns, id === 'w0008' ? cut(8, 8, 8) : cut(5, 6, 5));
    }
  });

  it('makes as many steps as fit into the seconds, from the same weights', async () => {
    const { steps, students } = await train({ settings: { steps: { seconds: 0.01 } } });
    assert.deepEqual(steps, { planned: 1, made: 1 });
    const one = await train({ settings: { steps: 1 } });
    assert.deepEqual(students, one.students);
  });

  it('stops early once the KL of every student has dried up', async () => {
    const earlyStop = { patience: 2, minimumGain: 0.5 };
    const { steps } = await train({ settings: { steps: 20, learningRate: 1e-6, earlyStop } });
    assert.equal(steps.planned, 20);
    assert.ok(steps.made < 12, String(steps.made));
  });

  it('asks for a precision by the least error of the refits', async () => {
    const asked: [string, number][] = [];
    const { students } = await train({
      settings: { steps: 1 },
      precisionOf: ({ id, refitError }) => (asked.push([id, refitError]), 'float32'),
    });
    assert.deepEqual(
      asked,
      students.map(({ id, errorsBefore }) => [id, Math.min(...errorsBefore)]),
    );
  });

  it('stops on what is no number, with student and step, and where the batches end', async () => {
    const broken = cut(5, 6, 5);
    broken[1]!.fc2Bias.fill(NaN);
    await assert.rejects(train({ students: [{ id: 'w0005', ffns: broken }] }), (error: BlockForgeError) => {
      assert.equal(error.failure.reason, 'not-finite');
      assert.match(error.failure.subject, /distill\/shard-0, w0005/);
      assert.match(error.failure.found, /KL is NaN at step 0/);
      return true;
    });
    await assert.rejects(
      train({ settings: { steps: 4, learningRate: 1e30, warmupShare: 0 } }),
      (error: BlockForgeError) => {
        assert.equal(error.failure.reason, 'not-finite');
        assert.match(error.failure.found, /at step [1-4]$/);
        return true;
      },
    );
    async function* one() {
      for await (const pixels of batches(0)) {
        yield pixels;
        return;
      }
    }
    await assert.rejects(train({ batches: one }), /the batches of a training end/);
    await assert.rejects(train({ students: [{ id: 'w', ffns: cut(8) }] }), /1 blocks for 3 layers/);
    await assert.rejects(train({ composedShare: 2 }), /composedShare is 2/);
  });
});

describeOnEachEngine('measureEnergies', () => {
  it('gives the variance of stream and output per token, of the last block that of the class tokens', async () => {
    const model = uploadTeacher(host, small);
    const { stream, output } = await measureEnergies(model, heldOut());
    const rows: Record<string, number[][]> = {};
    const capture = ['block-00.output', 'block-02.output', 'block-01.ffn.output'] as const;
    for await (const pixels of heldOut()) {
      const { logits, features } = forward(model, pixels, { capture });
      for (const name of capture) {
        const tokens = (features[name].arraySync() as number[][][]).flatMap((image) =>
          name.startsWith('block-02') ? [image[0]!] : image,
        );
        rows[name] = [...(rows[name] ?? []), ...tokens];
      }
      tf.dispose([logits, features, pixels]);
    }
    model.dispose();
    const close = (value: number, name: string): void => {
      const expected = variance(rows[name]!);
      assert.ok(Math.abs(value / expected - 1) < 1e-4, `${name}: ${value}, ${expected}`);
    };
    close(stream[0]!, 'block-00.output');
    close(stream[2]!, 'block-02.output');
    close(output[1]!, 'block-01.ffn.output');
  });
});

/** E ||x - E x||^2 */
function variance(rows: readonly (readonly number[])[]): number {
  return rows[0]!.reduce((sum, _, d) => {
    const mean = rows.reduce((total, row) => total + row[d]!, 0) / rows.length;
    return sum + rows.reduce((total, row) => total + (row[d]! - mean) ** 2, 0) / rows.length;
  }, 0);
}
