import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { crc32c, maskedCrc32c } from '../../../pipeline/monitor/tensorboard/crc32c.ts';
import { fileVersionEvent, scalarsEvent } from '../../../pipeline/monitor/tensorboard/event.ts';
import { tfRecord } from '../../../pipeline/monitor/tensorboard/record.ts';
import { tensorboard } from '../../../pipeline/monitor/tensorboard/tensorboard.ts';
import { done, noNote, progress } from '../events.ts';

/** What TensorFlow 2.21's own writer (SummaryWriter of libtensorflow) wrote of two scalars, 2026-11. */
const golden = Buffer.from(
  'PgAAAAAAAADZ0kDnCQAAQKUWwtpBGg1icmFpbi5FdmVudDoyUiQKInRlbnNvcmZsb3cuY29yZS51dGlsLmV2ZW50c193cml0ZXJulZ56KwAAAAAA' +
    'AACGG8NLCRgmd6UWwtpBEAcqHgocChVkaXN0aWxsL2Jsb2NrLTAzL2xvc3MVAAAAP21KrTksAAAAAAAAAPSuzEUJOPh3pRbC2kEQrAIqHgocChVk' +
    'aXN0aWxsL2Jsb2NrLTAzL2xvc3MVAACAPrrDYVA=',
  'base64',
);

interface Scalar {
  readonly step: number;
  readonly tag: string;
  readonly value: number;
}

/** Reads what a TFRecord file of events holds; every CRC must fit. */
function readEvents(bytes: Uint8Array): {
  readonly versions: string[];
  readonly times: number[];
  readonly scalars: Scalar[];
} {
  const versions: string[] = [];
  const times: number[] = [];
  const scalars: Scalar[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(view.getUint32(at + 8, true), maskedCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(view.getUint32(at + 12 + length, true), maskedCrc32c(data));
    at += 16 + length;
    const reader = new BinaryReader(data);
    let step = 0;
    while (reader.pos < reader.len) {
      const [field, wire] = reader.tag();
      if (field === 1) times.push(reader.double());
      else if (field === 2) step = Number(reader.int64());
      else if (field === 3) versions.push(reader.string());
      else if (field === 5) {
        const summary = new BinaryReader(reader.bytes());
        while (summary.pos < summary.len) {
          summary.tag();
          const entry = new BinaryReader(summary.bytes());
          entry.tag();
          const tag = entry.string();
          entry.tag();
          scalars.push({ step, tag, value: entry.float() });
        }
      } else reader.skip(wire);
    }
  }
  return { versions, times, scalars };
}

describe('event files for TensorBoard', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'blockforge-tensorboard-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('have the CRC-32C of the known vectors', () => {
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
    // RFC 3720, B.4.
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
    assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  });

  it("have the bytes of TensorFlow's own writer", () => {
    const [start = 0, first = 0, second = 0] = readEvents(golden).times;
    const ours = Buffer.concat([
      tfRecord(fileVersionEvent(start)),
      tfRecord(scalarsEvent(first, 7, [['distill/block-03/loss', 0.5]])),
      tfRecord(scalarsEvent(second, 300, [['distill/block-03/loss', 0.25]])),
    ]);
    assert.equal(ours.toString('hex'), golden.toString('hex'));
  });

  it('hold the scalars of every job over its steps, and a resumed run adds a file', async () => {
    for (const [first, last] of [
      [1, 3],
      [4, 5],
    ] as const) {
      const listener = tensorboard({ folder, note: noNote, everyMs: 0 });
      for (let step = first; step <= last; step++) {
        listener.handle(
          progress('distill/block-03', { step, metrics: { 'loss w0384': 1 / step, broken: NaN } }),
        );
      }
      listener.handle(progress('measure/shard-0', { fraction: 0.5, metrics: { imagesPerSecond: 8 } }));
      await listener.close(done);
    }
    const files = readdirSync(folder).sort();
    assert.equal(files.length, 2);
    const read = files.map((name) => readEvents(readFileSync(join(folder, name))));
    assert.deepEqual(
      read.map(({ versions }) => versions),
      [['brain.Event:2'], ['brain.Event:2']],
    );
    const losses = read
      .flatMap(({ scalars }) => scalars)
      .filter(({ tag }) => tag === 'distill/block-03/loss/w0384');
    assert.deepEqual(
      losses.map(({ step, value }) => [step, value]),
      [1, 2, 3, 4, 5].map((step) => [step, Math.fround(1 / step)]),
    );
    assert.deepEqual(read[0]?.scalars.at(-1), {
      step: 5000,
      tag: 'measure/shard-0/imagesPerSecond',
      value: 8,
    });
  });

  it('are not begun where there is nothing to draw', async () => {
    const listener = tensorboard({ folder: join(folder, 'none'), note: noNote });
    listener.handle(progress('data/splits', { fraction: 0.5 }));
    await listener.close(done);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('that cannot be written are one note', async () => {
    writeFileSync(join(folder, 'file'), '');
    const notes: string[] = [];
    const listener = tensorboard({
      folder: join(folder, 'file'),
      note: (text) => notes.push(text),
      everyMs: 1,
    });
    for (let step = 1; step < 9; step++) listener.handle(progress('train/a', { step, metrics: { loss: 1 } }));
    await listener.close(done);
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /^monitor\.tensorboard: .*file.*the run goes on$/);
  });
});
