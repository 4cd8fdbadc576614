/** The layers of a block that can be refitted, in the order of the walk; `head` is the last layer of all. */
export const refittedLayers = ['attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2', 'head'] as const;
export type RefittedLayer = (typeof refittedLayers)[number];
