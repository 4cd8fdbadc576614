import { BinaryWriter } from '@bufbuild/protobuf/wire';

export type DataType = 'float32' | 'int32' | 'bool' | 'bfloat16';

/** `types.proto`'s numbers. */
const typeNumbers: Readonly<Record<DataType, number>> = { float32: 1, int32: 3, bool: 10, bfloat16: 14 };

export type Attribute =
  | { readonly bool: boolean }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly type: DataType }
  | { readonly strings: readonly string[] }
  | { readonly tensor: ConstantTensor };

/** `bytes` may hold one value for all. */
export interface ConstantTensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An operation of a function's body. */
export interface FunctionNode {
  readonly name: string;
  readonly op: string;
  /** `x0` for an argument, `node:output:index` for what another node makes. */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A TensorFlow function before it has a name: arguments `x0 ...`, results `y0 ...`. */
export interface FunctionBody {
  readonly inputs: readonly DataType[];
  readonly nodes: readonly FunctionNode[];
  readonly outputs: readonly { readonly type: DataType; readonly from: string }[];
}

/** A `FunctionDef` message (tensorflow/core/framework/function.proto). */
export function encodeFunction(name: string, { inputs, nodes, outputs }: FunctionBody): Uint8Array {
  const message = new BinaryWriter();
  nested(message, 1, (signature) => {
    text(signature, 1, name);
    inputs.forEach((type, index) => argument(signature, 2, `x${index}`, type));
    outputs.forEach(({ type }, index) => argument(signature, 3, `y${index}`, type));
  });
  for (const node of nodes) nested(message, 3, (def) => encodeNode(def, node));
  outputs.forEach(({ from }, index) => {
    nested(message, 4, (entry) => {
      text(entry, 1, `y${index}`);
      text(entry, 2, from);
    });
  });
  return message.finish();
}

function argument(message: BinaryWriter, field: number, name: string, type: DataType): void {
  nested(message, field, (def) => {
    text(def, 1, name);
    number(def, 3, typeNumbers[type]);
  });
}

/** `NodeDef` (node_def.proto). */
function encodeNode(message: BinaryWriter, { name, op, inputs, attributes }: FunctionNode): void {
  text(message, 1, name);
  text(message, 2, op);
  for (const input of inputs) text(message, 3, input);
  for (const [key, value] of Object.entries(attributes)) {
    nested(message, 5, (entry) => {
      text(entry, 1, key);
      nested(entry, 2, (def) => encodeAttribute(def, value));
    });
  }
}

/** `AttrValue` (attr_value.proto). */
function encodeAttribute(message: BinaryWriter, value: Attribute): void {
  if ('bool' in value) message.uint32(tag(5, 0)).bool(value.bool);
  else if ('int' in value) message.uint32(tag(3, 0)).int64(value.int);
  else if ('float' in value) message.uint32(tag(4, 5)).float(value.float);
  else if ('type' in value) number(message, 6, typeNumbers[value.type]);
  else if ('strings' in value) {
    nested(message, 1, (list) => value.strings.forEach((string) => text(list, 2, string)));
  } else nested(message, 8, (tensor) => encodeTensor(tensor, value.tensor));
}

/** `TensorProto` (tensor.proto), by its raw bytes. */
function encodeTensor(message: BinaryWriter, { type, shape, bytes }: ConstantTensor): void {
  number(message, 1, typeNumbers[type]);
  nested(message, 2, (def) => {
    for (const extent of shape) nested(def, 2, (dimension) => number(dimension, 1, extent));
  });
  message.uint32(tag(4, 2)).bytes(bytes);
}

function nested(message: BinaryWriter, field: number, fill: (message: BinaryWriter) => void): void {
  message.uint32(tag(field, 2)).fork();
  fill(message);
  message.join();
}

function text(message: BinaryWriter, field: number, value: string): void {
  message.uint32(tag(field, 2)).string(value);
}

function number(message: BinaryWriter, field: number, value: number): void {
  message.uint32(tag(field, 0)).int64(value);
}

/** A field's number and the kind of what follows: 0 a varint, 2 a length and bytes, 5 four bytes. */
function tag(field: number, kind: number): number {
  return (field << 3) | kind;
}
