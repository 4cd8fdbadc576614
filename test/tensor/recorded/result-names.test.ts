import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { functionBackend } from '../../../pipeline/tensor/recorded/backend.ts';
import { recorded, runsAsItIs } from '../../../pipeline/tensor/recorded/recorded.ts';
import { recordable } from '../../../pipeline/tensor/recorded/result-names.ts';
import { random } from '../../../pipeline/util/random.ts';
import { describeOnEachEngine, enginesToTest } from '../../support/engines.ts';
import { present } from '../../support/present.ts';

type Body = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor | tf.Tensor[];

const positive = (x: tf.Tensor) => tf.add(tf.abs(x), 0.5);
const isUp = (x: tf.Tensor) => tf.greater(x, 0);
const indices = () => tf.tensor2d([0, 1, 2, 3], [2, 2], 'int32');

/** What makes TensorFlow.js call each operation. x and y: random [3, 4]. */
const uses: Readonly<Record<string, Body>> = {
  Abs: tf.abs,
  Add: tf.add,
  All: (x) => tf.all(isUp(x), 1),
  Any: (x) => tf.any(isUp(x), 1),
  ArgMax: (x) => tf.argMax(x, 1),
  ArgMin: (x) => tf.argMin(x, 0),
  BatchMatMulV2: (x, y) => tf.matMul(tf.reshape(x, [1, 3, 4]), tf.reshape(y, [1, 3, 4]), false, true),
  Cast: (x) => tf.cast(tf.mul(x, 10), 'int32'),
  Ceil: tf.ceil,
  ConcatV2: (x, y) => tf.concat([x, y], 1),
  Const: (x) => tf.add(x, tf.tensor1d([1, 2, 3, 4])),
  Cos: tf.cos,
  Cumprod: (x) => tf.cumprod(x, 1),
  Cumsum: (x) => tf.cumsum(x, 0, true),
  Elu: tf.elu,
  Equal: (x) => tf.equal(tf.round(x), 0),
  Erf: tf.erf,
  Exp: tf.exp,
  ExpandDims: (x) => tf.expandDims(x, 1),
  Expm1: tf.expm1,
  Fill: (x) => tf.add(x, tf.ones([3, 4])),
  Floor: tf.floor,
  FloorDiv: (x) => tf.floorDiv(tf.cast(tf.mul(x, 9), 'int32'), tf.scalar(2, 'int32')),
  FloorMod: (x) => tf.mod(x, 0.3),
  GatherNd: (x) => tf.gatherND(x, indices()),
  GatherV2: (x) => tf.gather(x, tf.tensor1d([3, 0, 0], 'int32'), 1),
  Greater: tf.greater,
  GreaterEqual: tf.greaterEqual,
  IsFinite: (x) => tf.isFinite(tf.log(x)),
  IsInf: (x) => tf.isInf(tf.div(x, tf.relu(x))),
  IsNan: (x) => tf.isNaN(tf.log(x)),
  Less: tf.less,
  LessEqual: tf.lessEqual,
  Log: (x) => tf.log(positive(x)),
  Log1p: (x) => tf.log1p(positive(x)),
  LogicalAnd: (x, y) => tf.logicalAnd(isUp(x), isUp(y)),
  LogicalNot: (x) => tf.logicalNot(isUp(x)),
  LogicalOr: (x, y) => tf.logicalOr(isUp(x), isUp(y)),
  MatMul: (x, y) => tf.matMul(x, y, true, false),
  Max: (x) => tf.max(x, 1),
  Maximum: tf.maximum,
  Mean: (x) => tf.mean(x, 0),
  Min: (x) => tf.min(x, 0, true),
  Minimum: tf.minimum,
  Mul: tf.mul,
  Neg: tf.neg,
  NotEqual: (x) => tf.notEqual(tf.round(x), 0),
  OneHot: (x) => tf.oneHot(tf.argMax(x, 1), 4),
  OnesLike: tf.onesLike,
  Pack: (x, y) => tf.stack([x, y], 1),
  PadV2: (x) =>
    tf.pad(
      x,
      [
        [1, 0],
        [0, 2],
      ],
      3,
    ),
  Pow: (x, y) => tf.pow(positive(x), y),
  Prod: (x) => tf.prod(x, 1),
  RealDiv: tf.div,
  Reciprocal: (x) => tf.reciprocal(positive(x)),
  Relu: tf.relu,
  Relu6: (x) => tf.relu6(tf.mul(x, 5)),
  Reshape: (x) => tf.reshape(x, [2, 6]),
  ReverseV2: (x) => tf.reverse(x, 1),
  Round: (x) => tf.round(tf.mul(x, 3)),
  Rsqrt: (x) => tf.rsqrt(positive(x)),
  Select: (x, y) => tf.where(isUp(x), x, y),
  Sigmoid: tf.sigmoid,
  Sign: tf.sign,
  Sin: tf.sin,
  Slice: (x) => tf.slice(x, [1, 1], [2, 2]),
  Softmax: (x) => tf.softmax(x),
  Softplus: tf.softplus,
  SplitV: (x) => tf.split(x, [1, 3], 1),
  Sqrt: (x) => tf.sqrt(positive(x)),
  Square: tf.square,
  SquaredDifference: tf.squaredDifference,
  StridedSlice: (x) => tf.stridedSlice(x, [0, 0], [3, 4], [2, 3]),
  Sub: tf.sub,
  Sum: (x) => tf.sum(x, 1, true),
  Tanh: tf.tanh,
  Tile: (x) => tf.tile(x, [2, 1]),
  Transpose: (x) => tf.transpose(x),
  Unpack: (x) => tf.unstack(x, 1),
  ZerosLike: tf.zerosLike,
};

/** Made by `fused.ts`, and tried whenever an engine starts to record; tested through what uses them. */
const composites = ['_FusedMatMul', '_MklLayerNorm'];
/** Made of what the code hands over as numbers, or in place of another operation. */
const graphOnly = ['Const', 'Fill', 'MatMul'];

if (enginesToTest().includes('tensorflow')) {
  describeOnEachEngine('an operation', (engine) => {
    if (engine !== 'tensorflow') return;

    it('that is in the table is tested here', () => {
      assert.deepEqual([...recordable].sort(), [...Object.keys(uses), ...composites].sort());
    });

    for (const [operation, body] of Object.entries(uses)) {
      it(`${operation} gives in a function what it gives by itself`, () => {
        const backend = present(functionBackend());
        const called: string[] = [];
        const note =
          (method: 'executeSingleOutput' | 'executeMultipleOutputs') =>
          (name: string, ...more: unknown[]): unknown => {
            called.push(name);
            const plain = Object.getPrototypeOf(backend) as Record<string, (...values: unknown[]) => unknown>;
            return plain[method]!.call(backend, name, ...more);
          };
        const random34 = (label: string) => {
          const stream = random(3, label);
          return tf.tensor2d(
            Float32Array.from({ length: 12 }, () => stream.normal()),
            [3, 4],
          );
        };
        tf.tidy(() => {
          const [x, y] = [random34('x'), random34('y')];
          const run = (x: tf.Tensor, y: tf.Tensor): tf.Tensor[] => [body(x, y)].flat();
          Object.assign(backend, {
            executeSingleOutput: note('executeSingleOutput'),
            executeMultipleOutputs: note('executeMultipleOutputs'),
          });
          let expected: tf.Tensor[];
          try {
            expected = run(x, y);
          } finally {
            for (const name of ['executeSingleOutput', 'executeMultipleOutputs'])
              Reflect.deleteProperty(backend, name);
          }
          if (!graphOnly.includes(operation)) assert.ok(called.includes(operation), called.join());
          const key = `operation ${operation}`;
          const found = recorded(key, [x, y], ([x, y]) => run(x, y));
          const reasons = runsAsItIs().filter((entry) => entry.key.startsWith(key));
          assert.deepEqual(reasons, []);
          assert.equal(found.length, expected.length);
          found.forEach((tensor, index) => {
            const wanted = expected[index]!;
            assert.deepEqual([tensor.dtype, tensor.shape], [wanted.dtype, wanted.shape]);
            const [a, b] = [tensor.dataSync(), wanted.dataSync()];
            a.forEach((value, i) => {
              const close = Object.is(value, b[i]) || Math.abs(value - b[i]!) <= 1e-6 * (1 + Math.abs(b[i]!));
              assert.ok(close, `${i}: ${value} instead of ${b[i]}`);
            });
          });
        });
      });
    }
  });
}
