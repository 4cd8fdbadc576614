import type { Naming } from './naming-contract.ts';

/** Of one tensor for queries, keys and values, in which order they are taken, for people; of names that fix it, and of three, nothing. */
export function packedQueries(stems: readonly string[]): readonly string[] {
  const [stem, ...others] = stems;
  return stem === undefined || others.length > 0 || /(?:in_proj|to_qkv)$/.test(stem)
    ? []
    : [`${stem} is taken to hold all queries, then all keys, then all values`];
}

/** The same of gates and values in one, of a model that has gates. */
export function packedGates(naming: Pick<Naming, 'stored'>): readonly string[] {
  const nameOf = (layer: string): string | undefined => naming.stored(`blocks.0.mlp.${layer}.weight`)[0];
  const gate = nameOf('gate');
  if (gate === undefined || gate !== nameOf('fc1') || /\.(?:weights_in|w12)\.weight$/.test(gate)) return [];
  const stem = gate.replace(/\.weight$/, '').replace(/(?<=[._])0(?=\.)/, '{i}');
  return [
    `${stem} is taken to hold all gates, then all values (timm's SwiGLUPacked; its GluMlp has them the other way round)`,
  ];
}
