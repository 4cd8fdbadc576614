import { blockName, familyOf, type Architecture } from '../model/architecture.ts';
import { buildFfn, buildModel } from './model-graph.ts';
import { onnxBuilder } from './onnx.ts';
import { tfjsBuilder, type TfjsGraphModel } from './tfjs.ts';
import { ffnInputs, type StoredWeight, type WeightPlace, type WeightPlaces } from './weight-places.ts';

/** A whole model whose weights all have a place, as an ONNX file. */
export function modelOnnx(
  architecture: Architecture,
  weights: WeightPlaces,
  toolVersion: string,
): Uint8Array {
  const graph = onnxBuilder(weights);
  buildModel(graph, architecture);
  return graph.finish(graphName(architecture), toolVersion);
}

function graphName(architecture: Architecture): string {
  return familyOf(architecture).title.toLowerCase().replaceAll(' ', '-');
}

/** A model with two outputs: `features` [B, D], what the head's last layer takes, and `logits` [B, classes]. */
export function submodelOnnx(
  architecture: Architecture,
  weights: WeightPlaces,
  toolVersion: string,
): Uint8Array {
  const graph = onnxBuilder(weights);
  buildModel(graph, architecture, { features: true });
  return graph.finish(graphName(architecture), toolVersion);
}

/** The same as a TensorFlow.js graph model: its `model.json`, and the bytes of the file at `constantsPath` beside it. */
export function modelTfjs(
  architecture: Architecture,
  weights: WeightPlaces,
  constantsPath: string,
  toolVersion: string,
): { readonly model: TfjsGraphModel; readonly constants: Uint8Array } {
  const graph = tfjsBuilder(weights);
  buildModel(graph, architecture);
  return graph.finish(constantsPath, toolVersion);
}

/**
 * The model without its FFN blocks' weights, which it is given at every run: one session for every composition.
 * @param frame places of the frame's weights
 */
export function frameOnnx(
  architecture: Architecture,
  frame: ReadonlyMap<string, StoredWeight>,
  toolVersion: string,
): Uint8Array {
  const places = new Map<string, WeightPlace>(frame);
  for (let index = 0; index < architecture.depth; index++) {
    for (const [name, place] of ffnInputs(architecture, index)) places.set(name, place);
  }
  return modelOnnx(architecture, places, toolVersion);
}

/** A descendant of block `index` alone: `tokens` [rows, D] -> `output` [rows, D]. */
export function descendantOnnx(
  architecture: Architecture,
  index: number,
  weights: WeightPlaces,
  toolVersion: string,
): Uint8Array {
  const graph = onnxBuilder(weights);
  buildFfn(graph, architecture, index);
  return graph.finish(blockName(index), toolVersion);
}
