import type { Architecture } from '../model/architecture.ts';
import { ffnNames } from '../model/ffn-weights.ts';
import type { GraphBuilder, Value } from './builder.ts';

/** rows z [N, D], what fc1 receives -> rows [N, D], before they join the stream: the FFN of every family. */
export function ffn(graph: GraphBuilder, { gelu, gated }: Architecture, index: number, z: Value): Value {
  const { fc1Kernel, fc1Bias, gateKernel, gateBias, fc2Kernel, fc2Bias } = ffnNames(index);
  graph.within(`blocks.${index}.mlp`);
  const of = (kernel: string, bias: string, x: Value): Value =>
    graph.linear(x, graph.weight(kernel), graph.weight(bias));
  const value = of(fc1Kernel, fc1Bias, z);
  const hidden =
    gated === true
      ? graph.multiply(graph.gelu(of(gateKernel, gateBias, z), gelu), value)
      : graph.gelu(value, gelu);
  return of(fc2Kernel, fc2Bias, hidden);
}

/** LayerNorm by the weights of `name`, in a scope of that name. */
export function norm(graph: GraphBuilder, name: string, { layerNormEpsilon }: Architecture, x: Value): Value {
  graph.within(name);
  return graph.layerNorm(x, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`), layerNormEpsilon);
}

/** RMS norm by the weights of `name`, which has no bias, in a scope of that name. */
export function rmsNorm(
  graph: GraphBuilder,
  name: string,
  { layerNormEpsilon, width, normWidth = width }: Architecture,
  x: Value,
): Value {
  graph.within(name);
  return graph.rmsNorm(x, graph.weight(`${name}.weight`), width / normWidth, layerNormEpsilon);
}

export function linear(graph: GraphBuilder, name: string, x: Value): Value {
  return graph.linear(x, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`));
}
