import { equals, fromBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { showValue } from '../util/foreign-value.ts';

/** A tensor that a graph reads from another file, as the graph says it. */
export interface ExternalTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly isFloat: boolean;
  /** `location`, `offset`, `length` and whatever else is there. */
  readonly data: Readonly<Record<string, string | undefined>>;
}

export interface OnnxFacts {
  readonly opset: number | undefined;
  readonly irVersion: number;
  /** All of them, wherever they are: also in subgraphs, attributes and functions. */
  readonly external: readonly ExternalTensor[];
}

/** What somebody's ONNX file takes from elsewhere. @returns why it is none, where it is none */
export function readOnnx(bytes: Uint8Array): OnnxFacts | string {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    return (error as Error).message;
  }
  const opset = model.opsetImport.find(({ domain }) => domain === '')?.version;
  return {
    opset: opset === undefined ? undefined : Number(opset),
    irVersion: Number(model.irVersion),
    external: externalTensors(model).map(({ name, dims, dataType, externalData }) => ({
      name,
      shape: dims.map(Number),
      isFloat: dataType === (DataType.FLOAT as number),
      data: Object.fromEntries(externalData.map(({ key, value }) => [key, value])),
    })),
  };
}

export interface Difference {
  readonly found: string;
  readonly expected: string;
}

/**
 * The first thing in which somebody's graph is another one than `expected`: an operation, its operands or attributes, a
 * constant, an input, an output, anything else that a runtime acts on. Names of tools, notes and fields that ONNX does not
 * have do not count.
 * @param bytes what `readOnnx` could read
 */
export function onnxDifference(bytes: Uint8Array, expected: Uint8Array): Difference | undefined {
  const [is, should] = [bytes, expected].map((model) => withoutNotes(fromBinary(ModelProtoSchema, model)));
  if (is === undefined || should === undefined || equals(ModelProtoSchema, is, should)) return undefined;
  const [own, theirs] = [should.graph, is.graph];
  if (own === undefined || theirs === undefined) return { found: 'no graph', expected: 'a graph' };
  const count = Math.max(own.node.length, theirs.node.length);
  for (let place = 0; place < count; place++) {
    const [a, b] = [theirs.node[place], own.node[place]];
    if (a !== undefined && b !== undefined && equals(NodeProtoSchema, a, b)) continue;
    const [found, wanted] = [`operation ${place}: ${describeNode(a)}`, describeNode(b)];
    const same = found.endsWith(`: ${wanted}`);
    return same
      ? { found: `${found} with other attributes`, expected: 'those of this model' }
      : { found, expected: wanted };
  }
  const parts = [
    ['constant or weight', TensorProtoSchema, theirs.initializer, own.initializer],
    ['input', ValueInfoProtoSchema, theirs.input, own.input],
    ['output', ValueInfoProtoSchema, theirs.output, own.output],
  ] as const;
  for (const [kind, schema, found, wanted] of parts) {
    const known = new Map<string, TensorProto | ValueInfoProto>(wanted.map((item) => [item.name, item]));
    const odd = found.find((item) => {
      const twin = known.get(item.name);
      return (
        twin === undefined ||
        !equals(schema as typeof TensorProtoSchema, item as TensorProto, twin as TensorProto)
      );
    });
    if (odd !== undefined) return { found: `${kind} ${showValue(odd.name)}`, expected: 'that of this model' };
  }
  return { found: 'another graph than this model has', expected: 'its own' };
}

function withoutNotes(model: ModelProto): ModelProto {
  const nothing = {
    producerName: '',
    producerVersion: '',
    docString: '',
    modelVersion: 0n,
    metadataProps: [],
  };
  return Object.assign(model, nothing);
}

function describeNode(node: NodeProto | undefined): string {
  if (node === undefined) return 'none';
  const { domain, opType, input, output } = node;
  const name = domain === '' ? opType : `${domain}.${opType}`;
  return `${showValue(name)} of ${showValue(input)} -> ${showValue(output)}`;
}

function externalTensors(model: ModelProto): TensorProto[] {
  const found: TensorProto[] = [];
  const left: unknown[] = [model];
  while (left.length > 0) {
    const item = left.pop();
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) continue;
    if (isTensor(item)) {
      if (item.dataLocation === DataLocation.EXTERNAL || item.externalData.length > 0) found.push(item);
      continue;
    }
    for (const member of Object.values(item) as unknown[]) left.push(member);
  }
  return found;
}

function isTensor(item: object): item is TensorProto {
  return '$typeName' in item && item.$typeName === 'onnx.TensorProto';
}
