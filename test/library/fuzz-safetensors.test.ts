import assert from 'node:assert/strict';
import fc from 'fast-check';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafetensors, writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { dtypeBytes } from '../../pipeline/model/safetensors-header.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';

/** Sizes as a hostile header gives them: beyond 2^53, negative, fractional, no numbers at all. */
const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(12) },
  fc.constantFrom<unknown>(
    2 ** 31,
    2 ** 32,
    2 ** 40,
    2 ** 53 - 1,
    2 ** 53,
    2 ** 60,
    1e308,
    -1,
    -0,
    0.5,
    1e-9,
    NaN,
  ),
  fc.constantFrom<unknown>(null, true, '4', [4], {}, ''),
);
const dtype = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Object.keys(dtypeBytes)) },
  fc.constantFrom<unknown>('F8_E4M3', 'F128', '', 'toString', '__proto__', 'constructor', 4, null, []),
);
/** As `fc.string` of unit `binary`, which first lists a million code points: 2 s. */
const anyText = (constraints: fc.ArrayConstraints = {}) =>
  fc.array(fc.nat(0x10ffff), constraints).map((points) => String.fromCodePoint(...points));
const name = fc.oneof(
  fc.constantFrom('a', 'b', '__proto__', 'constructor', 'hasOwnProperty', 'toString', '__metadata__', ''),
  anyText({ maxLength: 12 }),
  fc.constant('long'.repeat(5000)),
);
const deep = fc.nat(30_000).map((levels) => ({ deep: levels }));
const junk = fc.oneof(
  { weight: 5, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: deep },
  { weight: 3, arbitrary: size },
);
const entry = fc.record({
  dtype: fc.oneof({ weight: 9, arbitrary: dtype }, junk),
  shape: fc.oneof({ weight: 9, arbitrary: fc.array(size, { maxLength: 5 }) }, junk),
  data_offsets: fc.oneof(
    { weight: 9, arbitrary: fc.tuple(size, size) },
    { weight: 2, arbitrary: fc.array(size) },
    junk,
  ),
});
const header = fc.array(fc.tuple(name, fc.oneof({ weight: 9, arbitrary: entry }, junk)), { maxLength: 5 });

/** JSON text with `{deep: n}` as n nested lists: no writer could be given a value like that. Keeps repeated names. */
function jsonOf(members: readonly (readonly [string, unknown])[]): string {
  const text = (value: unknown): string => {
    if (value !== null && typeof value === 'object' && 'deep' in value && typeof value.deep === 'number') {
      return '['.repeat(value.deep) + ']'.repeat(value.deep);
    }
    if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
    if (typeof value === 'number')
      return Number.isNaN(value) ? 'null' : Object.is(value, -0) ? '-0' : String(value);
    if (value === null || typeof value !== 'object')
      return value === undefined ? 'null' : JSON.stringify(value);
    return `{${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)}:${text(member)}`)
      .join(',')}}`;
  };
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${text(value)}`).join(',')}}`;
}

function fileOf(json: Uint8Array, data: Uint8Array, length = BigInt(json.length)): Buffer {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length);
  return Buffer.concat([prefix, json, data]);
}

describe('library/fuzz: hostile safetensors', function () {
  this.timeout(60_000);
  let folder: string;
  let path: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-fuzz-'));
    path = join(folder, 'hostile.safetensors');
  });
  after(() => rm(folder, { recursive: true }));

  /** Opens and reads everything. Either all of it fits the file, or it is refused in words that are short. */
  const survive = async (bytes: Uint8Array): Promise<'read' | 'refused'> => {
    await writeFile(path, bytes);
    const before = process.memoryUsage().arrayBuffers;
    try {
      const file = await openSafetensors(path);
      try {
        for (const tensor of file.names) {
          const { shape, dtype: type, begin, end } = file.info(tensor);
          assert.equal(
            end - begin,
            shape.reduce((product, extent) => product * extent, dtypeBytes[type]),
          );
          assert.ok(begin >= 0 && end <= bytes.length);
          const values = await file.readTyped(tensor).catch(refused);
          if (values !== undefined) assert.equal(values.length, (end - begin) / dtypeBytes[type]);
          await file.read(tensor).catch(refused);
        }
      } finally {
        await file.close();
      }
      return 'read';
    } catch (error) {
      refused(error);
      return 'refused';
    } finally {
      // Nothing of what a header claims: a few copies of the file, never a gigabyte.
      assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 2 ** 20);
    }
  };
  const refused = (error: unknown): undefined => {
    assert.ok(error instanceof BlockForgeError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.failure.reason, 'file-invalid');
    assert.ok(error.message.includes(path), error.message);
    assert.ok(error.message.length < 1000, `a message of ${error.message.length} characters`);
  };

  it('whatever the header says of names, types, shapes and offsets', async () => {
    const results = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(header, fc.uint8Array({ maxLength: 64 }), async (members, data) => {
        results[await survive(fileOf(Buffer.from(jsonOf(members)), data))]++;
      }),
      { numRuns: 300, seed: 7 },
    );
    assert.ok(results.refused > 150, JSON.stringify(results));
  });

  it('whatever bytes a good file has changed, lost or gained', async () => {
    await writeSafetensors(
      path,
      { a: { shape: [3, 2], data: new Float32Array(6) }, b: { shape: [5], data: new Uint8Array(5) } },
      { id: 'block-00/w0003' },
    );
    const good = await readFile(path);
    const results = { read: 0, refused: 0 };
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 4 }),
        fc.integer({ min: -good.length, max: 40 }),
        fc.boolean(),
        async (changes, grown, resized) => {
          const bytes = Buffer.alloc(good.length + (resized ? Math.max(0, grown) : 0));
          good.copy(bytes);
          for (const [place, value] of changes) bytes[place] = value;
          results[await survive(resized && grown < 0 ? bytes.subarray(0, good.length + grown) : bytes)]++;
        },
      ),
      { numRuns: 300, seed: 7 },
    );
    assert.ok(results.read > 10 && results.refused > 60, JSON.stringify(results));
  });

  it('whatever text stands where the header should', async () => {
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      anyText().map((value) => Buffer.from(value)),
      fc
        .constantFrom('', '{}', '[]', 'null', '0', '{"a":', '{"\ud800":1}', '\ufeff{}', '{"a":1,"a":2}')
        .map((value) => Buffer.from(value)),
      fc.nat(50_000).map((levels) => Buffer.from('['.repeat(levels))),
      fc.nat(50_000).map((levels) => Buffer.from('{"a":'.repeat(levels) + '1' + '}'.repeat(levels))),
    );
    const claim = fc.option(fc.constantFrom(0n, 1n, 7n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n), {
      freq: 3,
    });
    await fc.assert(
      fc.asyncProperty(text, claim, async (json, length) => {
        await survive(
          length === null ? fileOf(json, new Uint8Array(8)) : fileOf(json, new Uint8Array(8), length),
        );
      }),
      { numRuns: 120, seed: 7 },
    );
  });

  it('takes terabytes from no header, whether the offsets or the length claim them', async () => {
    const claims = [2 ** 40, 2 ** 50, 2 ** 53 - 8];
    for (const bytes of claims) {
      const claimed = { dtype: 'F32', shape: [bytes / 4], data_offsets: [0, bytes] };
      assert.equal(
        await survive(fileOf(Buffer.from(JSON.stringify({ a: claimed })), new Uint8Array(16))),
        'refused',
      );
      assert.equal(await survive(fileOf(Buffer.from('{}'), new Uint8Array(16), BigInt(bytes))), 'refused');
    }
  });
});
