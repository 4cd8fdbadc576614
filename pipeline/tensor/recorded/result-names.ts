/**
 * What a `FunctionDef` must say of an operation and eager execution need not: the names of its results, as the operation's
 * definition has them (most say `z` or `y`), and type attributes that TensorFlow would have found out by itself.
 */
const resultNames: Readonly<Record<string, string>> = {
  ...named(
    'z',
    'Add',
    'AddV2',
    'Sub',
    'Mul',
    'RealDiv',
    'Div',
    'DivNoNan',
    'FloorDiv',
    'FloorMod',
    'Maximum',
    'Minimum',
  ),
  ...named(
    'z',
    'Pow',
    'SquaredDifference',
    'Less',
    'LessEqual',
    'Greater',
    'GreaterEqual',
    'Equal',
    'NotEqual',
  ),
  ...named('z', 'LogicalAnd', 'LogicalOr'),
  ...named(
    'y',
    'Abs',
    'Neg',
    'Exp',
    'Expm1',
    'Log',
    'Log1p',
    'Sqrt',
    'Rsqrt',
    'Square',
    'Sign',
    'Floor',
    'Ceil',
    'Round',
  ),
  ...named(
    'y',
    'Erf',
    'Sigmoid',
    'Tanh',
    'Sin',
    'Cos',
    'Reciprocal',
    'LogicalNot',
    'IsFinite',
    'IsNan',
    'IsInf',
  ),
  ...named('y', 'Cast', 'Transpose', 'OnesLike', 'ZerosLike', '_MklLayerNorm'),
  ...named(
    'output',
    'Sum',
    'Mean',
    'Max',
    'Min',
    'Prod',
    'Any',
    'All',
    'Reshape',
    'Slice',
    'StridedSlice',
    'ConcatV2',
  ),
  ...named(
    'output',
    'Pack',
    'Unpack',
    'SplitV',
    'Tile',
    'Fill',
    'PadV2',
    'ExpandDims',
    'GatherV2',
    'GatherNd',
    'Select',
  ),
  ...named('output', 'ArgMax', 'ArgMin', 'OneHot', 'ReverseV2', 'BatchMatMulV2', 'Const'),
  ...named('product', 'MatMul', '_FusedMatMul'),
  ...named('activations', 'Relu', 'Relu6', 'Elu', 'Softplus'),
  ...named('softmax', 'Softmax'),
  ...named('out', 'Cumsum', 'Cumprod'),
};

function named(name: string, ...operations: readonly string[]): Record<string, string> {
  return Object.fromEntries(operations.map((operation) => [operation, name]));
}

/** The name of an operation's result (where it has several, they are one list), or undefined for one that is not in the table. */
export function resultName(operation: string): string | undefined {
  return resultNames[operation];
}
