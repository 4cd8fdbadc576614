import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  openSafetensors,
  readTensors,
  withSafetensors,
  type SafetensorsFile,
  readSafetensorsHeader,
  writeSafetensors,
} from '../../pipeline/model/safetensors.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { present } from '../support/present.ts';

/** A file from a header, as text or as a value, and a number of data bytes. */
function fileOf(header: unknown, data: Uint8Array | number, lengthField?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(lengthField ?? BigInt(json.length));
  return Buffer.concat([prefix, json, typeof data === 'number' ? Buffer.alloc(data) : data]);
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('model/safetensors', () => {
  let folder: string;
  let path: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-safetensors-'));
    path = join(folder, 'a.safetensors');
  });
  after(() => rm(folder, { recursive: true }));

  it('reads all tensors as numbers, or those asked for, and closes the file whatever comes of it', async () => {
    const arrays = {
      wide: { shape: [2], data: Float64Array.of(0.5, 2) },
      plain: { shape: [1, 1], data: Float32Array.of(3) },
    };
    await writeSafetensors(path, arrays, { about: 'it' });
    const { metadata, tensors } = await readTensors(path);
    assert.equal(metadata.about, 'it');
    assert.deepEqual(tensors, {
      wide: { shape: [2], data: Float32Array.of(0.5, 2) },
      plain: arrays.plain,
    });
    assert.deepEqual(Object.keys((await readTensors(path, ['plain'])).tensors), ['plain']);
    await assert.rejects(readTensors(path, ['none']), /no tensor "none"/);
    let seen: SafetensorsFile | undefined;
    const failing = withSafetensors(path, (file) => {
      seen = file;
      return Promise.reject(new Error('no'));
    });
    await assert.rejects(failing, /^Error: no$/);
    await assert.rejects(present(seen).read('plain'), /closed/);
  });

  it('reads back what it wrote, every type, shape and the metadata', async () => {
    const arrays = {
      'b.f32': { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, NaN, Infinity, -0) },
      a: { shape: [3], data: Uint8Array.of(0, 128, 255) },
      f64: { shape: [1, 1], data: Float64Array.of(1 / 3) },
      i32: { shape: [2], data: Int32Array.of(-(2 ** 31), 7) },
      scalar: { shape: [], data: Float32Array.of(42) },
      empty: { shape: [0, 5], data: new Float32Array(0) },
      'ünï "quoted"': { shape: [1], data: Float32Array.of(9) },
    };
    await writeSafetensors(path, arrays, { made: 'here', about: '{"x":1}' });
    const file = await openSafetensors(path);
    try {
      assert.deepEqual({ ...file.metadata }, { made: 'here', about: '{"x":1}' });
      assert.deepEqual([...file.names].sort(), Object.keys(arrays).sort());
      for (const [name, { shape, data }] of Object.entries(arrays)) {
        assert.deepEqual(file.info(name).shape, shape);
        assert.deepEqual(await file.readTyped(name), data);
      }
      assert.deepEqual(await file.read('f64'), Float32Array.of(1 / 3));
      await assert.rejects(file.read('i32'), /dtype I32/);
      assert.throws(() => file.info('toString'), /no tensor "toString"/);
    } finally {
      await file.close();
    }
  });

  it('writes the same bytes whatever the order given, each tensor aligned to its element size', async () => {
    const x = { shape: [1], data: Uint8Array.of(1) };
    const y = { shape: [1], data: Float64Array.of(2) };
    const z = { shape: [1], data: Float32Array.of(3) };
    await writeSafetensors(path, { x, y, z }, { a: '1', b: '2' });
    const first = await readFile(path);
    await writeSafetensors(path, { z, x, y }, { b: '2', a: '1' });
    assert.deepEqual(await readFile(path), first);
    const { dataStart, tensors } = await readSafetensorsHeader(path);
    assert.equal(dataStart % 8, 0);
    assert.deepEqual([...tensors.keys()], ['y', 'z', 'x']);
    assert.deepEqual(await readdir(folder), ['a.safetensors'], 'no temporary file is left');
  });

  it('converts half precision, also subnormal and special values', async () => {
    const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x8000, 0x7e00);
    const brain = Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x4049);
    const header = {
      half: { dtype: 'F16', shape: [8], data_offsets: [0, 16] },
      brain: { dtype: 'BF16', shape: [4], data_offsets: [16, 24] },
    };
    await writeFile(
      path,
      fileOf(header, Buffer.concat([Buffer.from(half.buffer), Buffer.from(brain.buffer)])),
    );
    const file = await openSafetensors(path);
    try {
      assert.deepEqual(
        await file.read('half'),
        Float32Array.of(1, -2, 2 ** -24, 65504, Infinity, -Infinity, -0, NaN),
      );
      assert.deepEqual(await file.read('brain'), Float32Array.of(1, -2, Infinity, 3.140625));
    } finally {
      await file.close();
    }
  });

  const broken: [string, Buffer, RegExp][] = [
    ['an empty file', Buffer.alloc(0), /0 bytes/],
    ['a header beyond the end', fileOf({}, 0, 1000n), /header of 1000 bytes/],
    ['a gigantic header', fileOf({}, 0, 2n ** 63n), /header of \d+ bytes/],
    ['no JSON', fileOf('{"a"', 0), /not JSON/],
    ['broken UTF-8', fileOf('{}', 0).fill(0xff, 8), /not JSON/],
    ['a list', fileOf('[1]', 0), /not a JSON object/],
    ['a name given twice', fileOf('{"a":null,"\\u0061":null}', 0), /names "a" twice/],
    ['a repeated member', fileOf('{"a":{"dtype":"F32","dtype":"F32"}}', 0), /names "dtype" twice/],
    ['an unknown dtype', fileOf({ a: { dtype: 'Q4', shape: [], data_offsets: [0, 4] } }, 4), /dtype "Q4"/],
    ['a hostile dtype', fileOf({ a: { dtype: 'toString', shape: [], data_offsets: [0, 0] } }, 0), /dtype/],
    ['a negative size', fileOf({ a: f32([-1], 0, 4) }, 4), /not a list of sizes/],
    ['a broken size', fileOf({ a: f32([0.5], 0, 2) }, 2), /not a list of sizes/],
    ['an overflowing size', fileOf({ a: f32([2 ** 52, 2 ** 52, 2 ** 52], 0, 4) }, 4), /does not fill/],
    ['offsets outside the file', fileOf({ a: f32([4], 0, 16) }, 8), /bytes 0\.\.16 of 8/],
    ['offsets backwards', fileOf({ a: f32([1], 8, 4) }, 8), /bytes 8\.\.4/],
    ['a shape that is not its bytes', fileOf({ a: f32([3], 0, 8) }, 8), /does not fill/],
    ['overlapping tensors', fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /begins at 4/],
    ['a gap', fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /begins at 8/],
    ['data nobody claims', fileOf({ a: f32([1], 0, 4) }, 12), /12 bytes of data/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }, 0), /__metadata__/],
  ];
  for (const [title, content, message] of broken) {
    it(`refuses ${title}`, async () => {
      await writeFile(path, content);
      await assert.rejects(openSafetensors(path), (error) => {
        assert.ok(error instanceof BlockForgeError);
        assert.equal(error.failure.reason, 'file-invalid');
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(path));
        return true;
      });
    });
  }

  it('takes hostile names as names', async () => {
    await writeFile(path, fileOf(`{"__proto__":${JSON.stringify(f32([1], 0, 4))}}`, 4));
    const file = await openSafetensors(path);
    try {
      assert.deepEqual(file.names, ['__proto__']);
      assert.deepEqual(file.info('__proto__').shape, [1]);
    } finally {
      await file.close();
    }
  });

  it('says when a file is missing, is a folder, or was cut', async () => {
    await assert.rejects(openSafetensors(join(folder, 'none')), /no such file/);
    await assert.rejects(openSafetensors(folder), /not a file/);
    await writeSafetensors(path, { a: { shape: [4], data: new Float32Array(4) } });
    await truncate(path, (await readFile(path)).length - 1);
    await assert.rejects(openSafetensors(path), /file-invalid|bytes 0\.\.16 of 15/);
  });

  it('never crashes on a mutated header: an error of the expected kind, or a consistent file', async () => {
    const header = JSON.stringify({ __metadata__: { a: 'b' }, x: f32([2, 2], 0, 16), y: f32([1], 16, 20) });
    const original = fileOf(header, 20);
    const mutation = fc.record({ at: fc.nat(original.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const bytes = Buffer.from(original);
        for (const { at, byte } of mutations) bytes[at] = byte;
        await writeFile(path, bytes);
        try {
          const file = await openSafetensors(path);
          try {
            const total = file.names.reduce(
              (sum, name) => sum + file.info(name).end - file.info(name).begin,
              0,
            );
            assert.ok(total <= bytes.length);
          } finally {
            await file.close();
          }
        } catch (error) {
          if (!(error instanceof BlockForgeError)) throw error;
        }
      }),
      { numRuns: 400, seed: 11 },
    );
  });
});
