import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import type { GraphBuilder, Value } from './builder.ts';
import { declaredWeights, type WeightPlaces } from './weight-places.ts';
import { known } from '../util/known.ts';
import { listName } from './list-name.ts';

/** The first operator set with LayerNormalization, and the file format that came with it: what most runtimes read. */
export const onnxOpset = 17;
export const onnxIrVersion = 8;

export interface OnnxBuilder extends GraphBuilder {
  /** The finished model file. Weights stay where they are: it holds references to their bytes. */
  finish(name: string, toolVersion: string): Uint8Array;
}

/** Equal calls give equal bytes. */
export function onnxBuilder(weights: WeightPlaces): OnnxBuilder {
  const nodes: NodeProto[] = [];
  const inputs: ValueInfoProto[] = [];
  const outputs: ValueInfoProto[] = [];
  const initializers = new Map<string, TensorProto>();
  let scope = '';

  const operation = (opType: string, input: Value[], attributes: Record<string, Attribute> = {}): Value => {
    const output = `${scope}/${opType}_${nodes.length}`;
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    nodes.push(create(NodeProtoSchema, { opType, input, output: [output], name: output, attribute }));
    return output;
  };
  const constant = (dataType: DataType, values: readonly number[], dims: readonly number[]): Value => {
    const name = `constant/${DataType[dataType].toLowerCase()}[${dims.join()}]=${listName(values, ',')}`;
    if (!initializers.has(name)) {
      const rawData = rawBytes(dataType, values);
      initializers.set(name, create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData }));
    }
    return name;
  };
  const integers = (values: readonly number[]): Value => constant(DataType.INT64, values, [values.length]);
  const scalar = (value: number): Value => constant(DataType.FLOAT, [value], []);
  const input = (name: string, shape: readonly (number | string)[]): Value => {
    inputs.push(floats(name, shape));
    return name;
  };

  const graph: OnnxBuilder = {
    within(name) {
      scope = name;
    },
    images: (name, { height, width }, channels) => input(name, ['batch', channels, height, width]),
    rows: (name, width) => input(name, ['rows', width]),
    weight: declaredWeights(weights, input, (name, { location, offset, length, shape }) => {
      const externalData = Object.entries({ location, offset, length }).map(([key, value]) => ({
        key,
        value: String(value),
      }));
      const dims = shape.map(BigInt);
      const dataLocation = DataLocation.EXTERNAL;
      initializers.set(
        name,
        create(TensorProtoSchema, { name, dataType: DataType.FLOAT, dims, dataLocation, externalData }),
      );
    }),
    patches(images, kernel, bias, patch) {
      const { shape } = known(weights, kernel);
      const map = operation('Conv', [images, kernel, bias], {
        kernel_shape: [patch, patch],
        strides: [patch, patch],
      });
      // [B, D, height / p, width / p] -> [B, D, N] -> [B, N, D]
      return graph.transpose(graph.reshape(map, [0, Number(shape[0]), -1]), [0, 2, 1]);
    },
    convolved(x, kernel, bias, stride) {
      const size = Number(known(weights, kernel).shape[2]);
      const around = (size - 1) / 2;
      const map = operation('Conv', [x, kernel, bias], {
        kernel_shape: [size, size],
        strides: [stride, stride],
        pads: [around, around, around, around],
      });
      const pooled = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      return operation('Relu', [operation('MaxPool', [map], pooled)]);
    },
    places: (map, count, width) => graph.transpose(graph.reshape(map, [-1, width, count]), [0, 2, 1]),
    // Gemm takes PyTorch's layout as it is, adds the bias, and needs no weight that is known beforehand.
    linear: (x, weight, bias) =>
      operation('Gemm', bias === undefined ? [x, weight] : [x, weight, bias], { transB: 1 }),
    matmul: (a, b, transposed = false) =>
      operation('MatMul', [a, transposed ? graph.transpose(b, [0, 1, 3, 2]) : b]),
    add: (a, b) => operation('Add', [a, b]),
    scale: (x, factor) => operation('Mul', [x, scalar(factor)]),
    multiply: (a, b) => operation('Mul', [a, b]),
    layerNorm: (x, gamma, beta, epsilon) =>
      operation('LayerNormalization', [x, gamma, beta], { axis: -1, epsilon: new Float(epsilon) }),
    // In the order of operations that ONNX Runtime recognises as one norm, with the share in epsilon and gamma.
    rmsNorm(x, gamma, share, epsilon) {
      const square = operation('Pow', [x, scalar(2)]);
      const mean = operation('ReduceMean', [square], { axes: [-1], keepdims: 1 });
      const root = operation('Sqrt', [operation('Add', [mean, scalar(epsilon / share)])]);
      const scaled = share === 1 ? gamma : operation('Mul', [gamma, scalar(1 / Math.sqrt(share))]);
      return operation('Mul', [operation('Div', [x, root]), scaled]);
    },
    // All in the order of operations that ONNX Runtime recognises as one GELU.
    gelu(x, kind) {
      if (kind === 'exact') {
        const erf = operation('Erf', [operation('Div', [x, scalar(Math.SQRT2)])]);
        const twice = operation('Mul', [x, operation('Add', [erf, scalar(1)])]);
        return operation('Mul', [twice, scalar(0.5)]);
      }
      if (kind === 'quick') {
        return operation('Mul', [x, operation('Sigmoid', [operation('Mul', [x, scalar(1.702)])])]);
      }
      if (kind === 'silu') return operation('Mul', [x, operation('Sigmoid', [x])]);
      if (kind === 'relu') return operation('Relu', [x]);
      const cube = operation('Pow', [x, scalar(3)]);
      const inner = operation('Add', [x, operation('Mul', [cube, scalar(0.044715)])]);
      const tanh = operation('Tanh', [operation('Mul', [inner, scalar(Math.sqrt(2 / Math.PI))])]);
      return operation('Mul', [operation('Mul', [x, scalar(0.5)]), operation('Add', [tanh, scalar(1)])]);
    },
    tanh: (x) => operation('Tanh', [x]),
    softmax: (x) => operation('Softmax', [x], { axis: -1 }),
    mean: (x) => operation('ReduceMean', [x], { axes: [1], keepdims: 0 }),
    concat: (parts, axis) => operation('Concat', [...parts], { axis }),
    max: (x) => operation('ReduceMax', [x], { axes: [1], keepdims: 0 }),
    reshape: (x, shape) => operation('Reshape', [x, integers(shape)]),
    transpose: (x, axes) => operation('Transpose', [x], { perm: [...axes] }),
    slice: (x, _rank, axis, from, to) =>
      operation('Slice', [x, integers([from]), integers([to]), integers([axis])]),
    pad(x, rank, axis, before, after) {
      const pads = new Array<number>(2 * rank).fill(0);
      pads[axis] = before;
      pads[rank + axis] = after;
      return operation('Pad', [x, integers(pads)]);
    },
    take: (table, index) => operation('Gather', [table, integers([...index])], { axis: 0 }),
    apart(ids, strength) {
      const [windows, tokens] = [ids.length, ids[0]!.length];
      const values = ids.flatMap((own) => [...own]);
      const shaped = (...dims: number[]) => constant(DataType.FLOAT, values, dims);
      const difference = operation('Sub', [shaped(windows, 1, tokens, 1), shaped(windows, 1, 1, tokens)]);
      const square = operation('Mul', [difference, difference]);
      return graph.scale(operation('Min', [square, scalar(1)]), -strength);
    },
    output(name, x, width) {
      // The last operation gives the output its name: no copy.
      const last = nodes[nodes.length - 1]!;
      if (last.output[0] !== x) throw new Error(`${name} is not what the last operation computed`);
      last.output = [name];
      outputs.push(floats(name, [inputs[0]!.name === 'images' ? 'batch' : 'rows', width]));
      return name;
    },
    finish(name, toolVersion) {
      const model = create(ModelProtoSchema, {
        irVersion: BigInt(onnxIrVersion),
        opsetImport: [{ domain: '', version: BigInt(onnxOpset) }],
        producerName: 'blockforge',
        producerVersion: toolVersion,
        graph: create(GraphProtoSchema, {
          name,
          node: nodes,
          input: inputs,
          output: outputs,
          initializer: [...initializers.values()],
        }),
      });
      return toBinary(ModelProtoSchema, model);
    },
  };
  return graph;
}

/** A number that is to be written as a float attribute: plain numbers are integers. */
class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

type Attribute = number | readonly number[] | Float;

function attributeOf(name: string, value: Attribute): AttributeProto {
  if (value instanceof Float)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.value });
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

function rawBytes(dataType: DataType, values: readonly number[]): Uint8Array<ArrayBuffer> {
  const array = dataType === DataType.INT64 ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
  return new Uint8Array(array.buffer);
}

/** A float32 input or output; a name stands for an extent known at run time. */
function floats(name: string, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((extent) => ({
    value:
      typeof extent === 'number'
        ? ({ case: 'dimValue', value: BigInt(extent) } as const)
        : ({ case: 'dimParam', value: extent } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: DataType.FLOAT, shape: { dim } } } },
  });
}
