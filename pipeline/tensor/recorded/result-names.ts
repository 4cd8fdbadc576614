/**
 * What a `FunctionDef` must say of an operation and eager execution need not: the names of its results, as the operation's
 * definition has them (most say `z` or `y`), and type attributes that TensorFlow would have found out by itself.
 */
const resultNames: Readonly<Record<string, string>> = {
  ...named('z', 'Add Sub Mul RealDiv FloorDiv FloorMod Maximum Minimum Pow SquaredDifference'),
  ...named('z', 'Less LessEqual Greater GreaterEqual Equal NotEqual LogicalAnd LogicalOr'),
  ...named('y', 'Abs Neg Exp Expm1 Log Log1p Sqrt Rsqrt Square Sign Floor Ceil Round Reciprocal'),
  ...named('y', 'Erf Sigmoid Tanh Sin Cos LogicalNot IsFinite IsNan IsInf'),
  ...named('y', 'Cast Transpose OnesLike ZerosLike _MklLayerNorm'),
  ...named('output', 'Sum Mean Max Min Prod Any All ArgMax ArgMin OneHot BatchMatMulV2 Const Fill Select'),
  ...named('output', 'Reshape ExpandDims Slice StridedSlice ConcatV2 Pack Unpack SplitV Tile PadV2'),
  ...named('output', 'ReverseV2 GatherNd GatherV2'),
  ...named('product', 'MatMul _FusedMatMul'),
  ...named('activations', 'Relu Relu6 Elu Softplus'),
  ...named('softmax', 'Softmax'),
  ...named('out', 'Cumsum Cumprod'),
};

function named(name: string, operations: string): Record<string, string> {
  return Object.fromEntries(operations.split(' ').map((operation) => [operation, name]));
}

/** The operations that can be recorded. */
export const recordable: readonly string[] = Object.keys(resultNames);

/** The name of an operation's result (where it has several, they are one list), or undefined for one that is not in the table. */
export function resultName(operation: string): string | undefined {
  return resultNames[operation];
}
