import assert from 'node:assert/strict';
import { pixels, startRig, until, type Rig } from './rig.ts';

describe('a fleet that is asked', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await startRig(3);
  });
  afterEach(() => rig.close());

  const devicesOf = (list: readonly { device: string }[]) => list.map(({ device }) => device).sort();

  it('answers with what all devices say of the image', async () => {
    const fleet = await rig.fleet();
    const answer = await fleet.predict({ pixels }, 'image');
    assert.deepEqual(devicesOf(answer.answered), ['d0', 'd1', 'd2']);
    assert.deepEqual(answer.missing, []);
    assert.deepEqual(
      [...answer.probabilities],
      [1, 1, 1].map(() => Math.fround(1 / 3)),
    );
    assert.deepEqual(
      rig.behaviours[0]!.image,
      Float32Array.from(pixels, (value) => value / 255),
    );
    // Tag, length and pixels to each.
    assert.equal(answer.sentBytes, 3 * 26);
    assert.ok(answer.receivedBytes > 3 * 8 && answer.receivedBytes < 3 * 64, String(answer.receivedBytes));
    assert.ok(answer.answered.every(({ totalMs, inferMs }) => totalMs >= inferMs));
  });

  it('answers at the deadline from whoever answered, and says who is missing and why', async () => {
    const fleet = await rig.fleet({ deadlineMs: 300 });
    rig.behaviours[1]!.delayMs = 3000;
    const answer = await fleet.predict({ pixels }, 'image');
    assert.deepEqual(devicesOf(answer.answered), ['d0', 'd2']);
    assert.deepEqual(answer.missing, [{ device: 'd1', why: 'no answer within the deadline', classes: 3 }]);
    assert.ok(answer.latencyMs < 2000, `${answer.latencyMs} ms`);
    assert.ok(answer.probabilities[0]! > answer.probabilities[1]!);
  });

  it('does not wait again for a device that was late, and takes it back when it is in time', async () => {
    const fleet = await rig.fleet({ deadlineMs: 1500 });
    rig.behaviours[1]!.delayMs = 4000;
    await fleet.predict({ pixels }, 'image');
    assert.equal(fleet.links[1]!.state, 'late');
    const second = await fleet.predict({ pixels }, 'image');
    assert.ok(second.latencyMs < 1000, `${second.latencyMs} ms`);
    assert.deepEqual(devicesOf(second.missing), ['d1']);
    delete rig.behaviours[1]!.delayMs;
    await until(() => fleet.links[1]!.asked === 0);
    await fleet.predict({ pixels }, 'image');
    await until(() => fleet.links[1]!.state === 'up');
    assert.deepEqual((await fleet.predict({ pixels }, 'image')).missing, []);
  });

  it('waits for a late device where nothing else answers', async () => {
    const fleet = await rig.fleet({ deadlineMs: 1000 });
    for (const behaviour of rig.behaviours) behaviour.delayMs = 2000;
    await assert.rejects(
      fleet.predict({ pixels }, 'photo.jpg'),
      /photo\.jpg: no device answered:\n {4}d0: no answer/,
    );
    await until(() => fleet.links.every(({ asked }) => asked === 0));
    for (const behaviour of rig.behaviours) behaviour.delayMs = 50;
    // The second finds all of them late, and asked by the first.
    const answers = await Promise.all([1, 2].map(() => fleet.predict({ pixels }, 'image')));
    assert.ok(answers.every(({ answered }) => answered.length > 0));
  });

  it('does without a device that died at no cost, and has it back when it is back', async () => {
    const fleet = await rig.fleet();
    await rig.stop(2);
    const [first, second] = [await fleet.predict({ pixels }, 'a'), await fleet.predict({ pixels }, 'b')];
    for (const answer of [first, second]) {
      assert.deepEqual(devicesOf(answer.missing), ['d2']);
      assert.match(answer.missing[0]!.why, /cannot be reached/);
      assert.ok(answer.latencyMs < 2000, `${answer.latencyMs} ms of a deadline of 5000`);
    }
    assert.equal(second.sentBytes, 2 * 26, 'the dead device was asked again');
    await rig.restart(2);
    await until(() => fleet.links[2]!.state === 'up');
    assert.deepEqual((await fleet.predict({ pixels }, 'c')).missing, []);
  });

  it('leaves out a device whose features are not finite, whether it says so or not', async () => {
    const fleet = await rig.fleet();
    rig.behaviours[0]!.features = [NaN, 1];
    const answer = await fleet.predict({ pixels }, 'image');
    assert.deepEqual(answer.missing, [
      { device: 'd0', why: 'the features of m0 are not finite', classes: 3 },
    ]);
    assert.equal(rig.problems.length, 1);
    assert.ok(answer.probabilities.every(Number.isFinite));
  });

  it('leaves out a device that fails, and tells its last words', async () => {
    const fleet = await rig.fleet();
    rig.behaviours[0]!.throws = 'out of memory\nwith a stack';
    const { missing } = await fleet.predict({ pixels }, 'image');
    assert.deepEqual(missing, [{ device: 'd0', why: 'the device failed: out of memory', classes: 3 }]);
  });

  it('blames the image where devices cannot read it', async () => {
    const fleet = await rig.fleet();
    const encoded = Buffer.from('no picture at all');
    await assert.rejects(
      fleet.predict({ encoded }, 'photo.jpg'),
      /photo\.jpg: not an image that can be used: .*unsupported image format/,
    );
    await assert.rejects(
      fleet.predict({ pixels: pixels.subarray(1) }, 'photo.jpg'),
      /23 bytes of pixels, not the 24 of 4 x 6 x 1/,
    );
    assert.ok(fleet.links.every(({ state }) => state === 'up'));
    assert.deepEqual(rig.problems, []);
  });

  it('answers many at once, each from its own image', async () => {
    const fleet = await rig.fleet();
    const answers = await Promise.all(Array.from({ length: 60 }, () => fleet.predict({ pixels }, 'image')));
    assert.equal(answers.filter(({ answered }) => answered.length > 0).length, 60);
    assert.equal(
      answers.flatMap(({ missing }) => missing).filter(({ why }) => !why.includes('busy')).length,
      0,
    );
  });
});
