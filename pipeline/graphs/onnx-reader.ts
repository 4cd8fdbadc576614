import { fromBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type ModelProto,
  type TensorProto,
} from 'onnx-buf';

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
