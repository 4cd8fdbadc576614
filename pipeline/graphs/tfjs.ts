import type { Extent } from '../model/family/image-size.ts';
import { known } from '../util/known.ts';
import type { GraphBuilder, Value } from './builder.ts';
import { listName } from './list-name.ts';
import { weightGroups, type TfjsConstant, type TfjsWeightGroup } from './tfjs-weights.ts';
import { declaredWeights, type WeightPlaces } from './weight-places.ts';

/** What `tf.loadGraphModel` reads as `model.json`. */
export interface TfjsGraphModel {
  readonly format: 'graph-model';
  readonly generatedBy: string;
  readonly convertedBy: null;
  readonly signature: {
    readonly inputs: Readonly<Record<string, TensorSignature>>;
    readonly outputs: Readonly<Record<string, TensorSignature>>;
  };
  readonly modelTopology: { readonly node: readonly GraphNode[]; readonly versions: { producer: number } };
  readonly weightsManifest: readonly TfjsWeightGroup[];
}

interface TensorSignature {
  readonly name: string;
  readonly dtype: 'DT_FLOAT';
  readonly tensorShape: { readonly dim: readonly { readonly size: string }[] };
}

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

export interface TfjsBuilder extends GraphBuilder {
  /**
   * @param constantsPath where the bytes returned beside the model will lie, from the folder of `model.json`: TensorFlow.js
   * has no numbers in the graph itself, not even shapes
   */
  finish(constantsPath: string, toolVersion: string): { model: TfjsGraphModel; constants: Uint8Array };
}

/**
 * A TensorFlow.js graph model: TensorFlow's operations in JSON. Those used here run on every backend, with two detours for
 * wasm: transposed products are far slower there than a transposition and a product, and so are five axes than four.
 */
export function tfjsBuilder(weights: WeightPlaces): TfjsBuilder {
  const nodes: GraphNode[] = [];
  const constants = new Map<string, TfjsConstant>();
  const inputs: Record<string, TensorSignature> = {};
  const outputs: Record<string, TensorSignature> = {};
  let extent: Extent = { height: 0, width: 0 };
  let scope = '';

  const operation = (op: string, input: Value[], attr: Record<string, unknown> = {}): Value => {
    const name = `${scope}/${op}_${nodes.length}`;
    nodes.push({ name, op, input, attr: { T: float, ...attr } });
    return name;
  };
  const constant = (dtype: 'float32' | 'int32', values: readonly number[], shape: number[]): Value => {
    const name = `constant/${dtype}_${shape.join('x')}_${listName(values, '_')}`;
    if (!constants.has(name)) {
      constants.set(name, { name, dtype, shape, values });
      nodes.push(constNode(name, dtype === 'int32' ? integer : float));
    }
    return name;
  };
  const integers = (values: readonly number[]): Value => constant('int32', values, [values.length]);
  const scalar = (value: number): Value => constant('float32', [value], []);
  const input = (name: string, shape: readonly (number | string)[]): Value => {
    nodes.push({ name, op: 'Placeholder', input: [], attr: { dtype: float, shape: { shape: dims(shape) } } });
    inputs[name] = signature(name, shape);
    return name;
  };
  const mul = (a: Value, b: Value): Value => operation('Mul', [a, b]);
  const meanOfSecond = (x: Value, keeps: boolean): Value =>
    operation('Mean', [x, integers([1])], { keep_dims: { b: keeps }, Tidx: integer });

  const graph: TfjsBuilder = {
    within(name) {
      scope = name;
    },
    images(name, size, channels) {
      extent = size;
      return input(name, ['batch', size.height, size.width, channels]);
    },
    rows: (name, width) => input(name, ['rows', width]),
    weight: declaredWeights(weights, input, (name) => nodes.push(constNode(name, float))),
    // As `patchify` in pipeline/tensor/ops.ts cuts them: within a patch by row, column, channel.
    patches(images, kernel, bias, patch) {
      const shape = known(weights, kernel).shape.map(Number);
      const width = shape[0]!;
      const channels = shape[1]!;
      const across = extent.width / patch;
      const row = patch * patch * channels;
      const lines = graph.reshape(images, [-1, patch, across, patch * channels]);
      const cut = graph.reshape(graph.transpose(lines, [0, 2, 1, 3]), [-1, row]);
      const matrix = graph.reshape(graph.transpose(kernel, [2, 3, 1, 0]), [row, width]);
      const projected = graph.add(operation('MatMul', [cut, matrix]), bias);
      return graph.reshape(projected, [-1, (extent.height / patch) * across, width]);
    },
    // Zeros are written out: as TensorFlow pads a stride by itself, they would lie elsewhere.
    convolved(x, kernel, bias, stride) {
      const size = Number(known(weights, kernel).shape[2]);
      const around = (count: number, map: Value): Value =>
        [1, 2].reduce((padded, axis) => graph.pad(padded, 4, axis, count, count), map);
      const common = { padding: text('VALID'), data_format: text('NHWC') };
      const convolution = operation(
        'Conv2D',
        [around((size - 1) / 2, x), graph.transpose(kernel, [2, 3, 1, 0])],
        { ...common, strides: list([1, stride, stride, 1]), dilations: list([1, 1, 1, 1]) },
      );
      const pooled = operation('MaxPool', [around(1, graph.add(convolution, bias))], {
        ...common,
        ksize: list([1, 3, 3, 1]),
        strides: list([1, 2, 2, 1]),
      });
      return operation('Relu', [pooled]);
    },
    places: (map, count, width) => graph.reshape(map, [-1, count, width]),
    linear(x, weight, bias) {
      const products = operation('MatMul', [x, graph.transpose(weight, [1, 0])]);
      return bias === undefined ? products : graph.add(products, bias);
    },
    matmul: (a, b, transposed = false) =>
      operation('BatchMatMulV2', [a, transposed ? graph.transpose(b, [0, 1, 3, 2]) : b]),
    add: (a, b) => operation('AddV2', [a, b]),
    scale: (x, factor) => mul(x, scalar(factor)),
    multiply: mul,
    layerNorm(x, gamma, beta, epsilon) {
      const centred = operation('Sub', [x, meanOfSecond(x, true)]);
      const variance = meanOfSecond(operation('Square', [centred]), true);
      const inverse = operation('Rsqrt', [graph.add(variance, scalar(epsilon))]);
      return graph.add(mul(mul(centred, inverse), gamma), beta);
    },
    rmsNorm(x, gamma, share, epsilon) {
      const meanSquare = meanOfSecond(operation('Square', [x]), true);
      const inverse = operation('Rsqrt', [graph.add(mul(meanSquare, scalar(share)), scalar(epsilon))]);
      return mul(mul(x, inverse), gamma);
    },
    gelu(x, kind) {
      if (kind === 'exact') {
        const erf = operation('Erf', [mul(x, scalar(Math.SQRT1_2))]);
        return mul(x, graph.add(mul(erf, scalar(0.5)), scalar(0.5)));
      }
      if (kind === 'quick') return mul(x, operation('Sigmoid', [mul(x, scalar(1.702))]));
      if (kind === 'silu') return mul(x, operation('Sigmoid', [x]));
      if (kind === 'relu') return operation('Relu', [x]);
      // x sigmoid(2 u) is x (1 + tanh u) / 2.
      const slope = 2 * Math.sqrt(2 / Math.PI);
      const cubic = mul(operation('Square', [x]), scalar(0.044715 * slope));
      return mul(x, operation('Sigmoid', [mul(x, graph.add(cubic, scalar(slope)))]));
    },
    tanh: (x) => operation('Tanh', [x]),
    softmax: (x) => operation('Softmax', [x]),
    mean: (x) => meanOfSecond(x, false),
    concat: (parts, axis) =>
      operation('ConcatV2', [...parts, constant('int32', [axis], [])], {
        N: { i: String(parts.length) },
        Tidx: integer,
      }),
    max: (x) => operation('Max', [x, integers([1])], { keep_dims: { b: false }, Tidx: integer }),
    reshape: (x, shape) => operation('Reshape', [x, integers(shape)], { Tshape: integer }),
    transpose: (x, axes) => operation('Transpose', [x, integers(axes)], { Tperm: integer }),
    slice(x, rank, axis, from, to) {
      const begin = new Array<number>(rank).fill(0);
      const size = new Array<number>(rank).fill(-1);
      begin[axis] = from;
      size[axis] = to - from;
      return operation('Slice', [x, integers(begin), integers(size)], { Index: integer });
    },
    pad(x, rank, axis, before, after) {
      const pads = new Array<number>(2 * rank).fill(0);
      pads[2 * axis] = before;
      pads[2 * axis + 1] = after;
      return operation('Pad', [x, constant('int32', pads, [rank, 2])], { Tpaddings: integer });
    },
    take: (table, index) =>
      operation('GatherV2', [table, integers([...index]), constant('int32', [0], [])], {
        Tparams: float,
        Tindices: integer,
        Taxis: integer,
      }),
    apart(ids, strength) {
      const [windows, tokens] = [ids.length, ids[0]!.length];
      const values = ids.flatMap((own) => [...own]);
      const shaped = (...shape: number[]) => constant('float32', values, shape);
      const square = operation('Square', [
        operation('Sub', [shaped(windows, 1, tokens, 1), shaped(windows, 1, 1, tokens)]),
      ]);
      return graph.scale(operation('Minimum', [square, scalar(1)]), -strength);
    },
    output(name, x, width) {
      nodes.push({ name, op: 'Identity', input: [x], attr: { T: float } });
      outputs[name] = signature(name, ['batch', width]);
      return x;
    },
    finish(constantsPath, toolVersion) {
      const { groups, constants: bytes } = weightGroups(weights, [...constants.values()], constantsPath);
      const model: TfjsGraphModel = {
        format: 'graph-model',
        generatedBy: `BlockForge ${toolVersion}`,
        convertedBy: null,
        signature: { inputs, outputs },
        modelTopology: { node: nodes, versions: { producer: 1 } },
        weightsManifest: groups,
      };
      return { model, constants: bytes };
    },
  };
  return graph;
}

const float = { type: 'DT_FLOAT' } as const;
const integer = { type: 'DT_INT32' } as const;

/** TensorFlow's JSON has bytes in base64. */
const text = (value: string) => ({ s: Buffer.from(value).toString('base64') });
const list = (values: readonly number[]) => ({ list: { i: values.map(String) } });

/** Its values come from the weights of the same name. */
function constNode(name: string, dtype: typeof float | typeof integer): GraphNode {
  return { name, op: 'Const', input: [], attr: { dtype } };
}

function dims(shape: readonly (number | string)[]): TensorSignature['tensorShape'] {
  return { dim: shape.map((extent) => ({ size: typeof extent === 'number' ? String(extent) : '-1' })) };
}

function signature(name: string, shape: readonly (number | string)[]): TensorSignature {
  return { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: dims(shape) };
}
