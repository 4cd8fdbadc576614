import assert from 'node:assert/strict';
import { encodeFunction } from '../../../pipeline/tensor/recorded/function-def.ts';
import { present } from '../../support/present.ts';

/** A field of a protocol buffer: its number, and a varint, four bytes, or the bytes of a string or message. */
type Field = readonly [number: number, value: number | Uint8Array];

/** Reads the wire format as https://protobuf.dev/programming-guides/encoding describes it. */
function fields(bytes: Uint8Array): Field[] {
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  const take = (length: number): Uint8Array => bytes.subarray(at, (at += length));
  const found: Field[] = [];
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag & 7;
    assert.ok([0, 2, 5].includes(kind), `kind ${kind} at byte ${at}`);
    found.push([tag >> 3, kind === 0 ? varint() : take(kind === 2 ? varint() : 4)]);
  }
  assert.equal(at, bytes.length);
  return found;
}

const text = (value: number | Uint8Array): string => new TextDecoder().decode(value as Uint8Array);
const within = (value: number | Uint8Array): Field[] => fields(value as Uint8Array);
const all = (message: readonly Field[], number: number) =>
  message.filter(([field]) => field === number).map(([, value]) => value);
/** The only field of that number. */
const one = (message: readonly Field[], number: number): number | Uint8Array => {
  const values = all(message, number);
  assert.equal(values.length, 1, `field ${number}`);
  return values[0]!;
};

describe('a FunctionDef', () => {
  const body = {
    inputs: ['float32', 'int32'],
    nodes: [
      {
        name: 'n0',
        op: 'Const',
        inputs: [],
        attributes: {
          dtype: { type: 'float32' },
          value: { tensor: { type: 'float32', shape: [2, 3], bytes: Uint8Array.of(0, 0, 128, 63) } },
        },
      },
      {
        name: 'n1',
        op: '_FusedMatMul',
        inputs: ['x0', 'n0:output:0'],
        attributes: {
          yes: { bool: true },
          no: { bool: false },
          minus: { int: -3 },
          half: { float: 0.5 },
          words: { strings: ['BiasAdd', 'GeluExact'] },
        },
      },
    ],
    outputs: [
      { type: 'bfloat16', from: 'n1:product:0' },
      { type: 'bool', from: 'x1' },
    ],
  } as const;
  const message = fields(encodeFunction('blockforge_1', body));

  it('has a signature: name, arguments and results with their types', () => {
    const signature = within(one(message, 1));
    assert.equal(text(one(signature, 1)), 'blockforge_1');
    const read = (number: number) =>
      all(signature, number).map((value) => [text(one(within(value), 1)), one(within(value), 3)]);
    assert.deepEqual(read(2), [
      ['x0', 1],
      ['x1', 3],
    ]);
    assert.deepEqual(read(3), [
      ['y0', 14],
      ['y1', 10],
    ]);
  });

  it('says where each result comes from', () => {
    const returned = all(message, 4).map((entry) => [1, 2].map((field) => text(one(within(entry), field))));
    assert.deepEqual(returned, [
      ['y0', 'n1:product:0'],
      ['y1', 'x1'],
    ]);
  });

  it('has nodes with inputs and attributes of every kind', () => {
    const nodes = all(message, 3).map(within);
    assert.deepEqual(
      nodes.map((node) => [text(one(node, 1)), text(one(node, 2)), ...all(node, 3).map(text)]),
      [
        ['n0', 'Const'],
        ['n1', '_FusedMatMul', 'x0', 'n0:output:0'],
      ],
    );
    const attributes = (node: readonly Field[]) =>
      new Map(all(node, 5).map((entry) => [text(one(within(entry), 1)), within(one(within(entry), 2))]));
    const constant = attributes(nodes[0]!);
    assert.deepEqual(constant.get('dtype'), [[6, 1]]);
    const tensor = within(one(present(constant.get('value')), 8));
    assert.equal(one(tensor, 1), 1);
    assert.deepEqual(
      all(within(one(tensor, 2)), 2).map((extent) => one(within(extent), 1)),
      [2, 3],
    );
    assert.deepEqual([...(one(tensor, 4) as Uint8Array)], [0, 0, 128, 63]);
    const second = attributes(nodes[1]!);
    assert.deepEqual(second.get('yes'), [[5, 1]]);
    assert.deepEqual(second.get('no'), [[5, 0]]);
    assert.deepEqual(second.get('minus'), [[3, -3]]);
    assert.deepEqual([...(one(present(second.get('half')), 4) as Uint8Array)], [0, 0, 0, 63]);
    assert.deepEqual(all(within(one(present(second.get('words')), 1)), 2).map(text), [
      'BiasAdd',
      'GeluExact',
    ]);
  });
});
