import { blockWidth, isDefaultFamily, type Architecture, type Gelu } from '../model/architecture.ts';
import type { Manifest, ManifestDescendant } from './manifest.ts';

/** Where a descendant stands in a ViT, for a README; of other families nothing. */
export function formulaText({ family, gated }: Architecture): string {
  if (!isDefaultFamily(family)) return '';
  const hidden = gated === true ? 'GELU(gate(norm2(x))) * fc1(norm2(x))' : 'GELU(fc1(norm2(x)))';
  return `A descendant replaces \`mlp\` of one encoder layer. The LayerNorm before it and the residual sum around it belong to the frame:

    x = x + fc2(${hidden})
`;
}

/** The narrowest descendant of the first block: the smallest file to try the examples on. */
export function exampleOf({ blocks }: Manifest): ManifestDescendant {
  const { descendants } = blocks[0]!;
  return descendants[descendants.length - 1]!;
}

const pythonGelu: Readonly<Record<Gelu, string>> = {
  exact: 'lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))',
  tanh: 'lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))',
  quick: 'lambda x: x / (1 + np.exp(-1.702 * x))',
  silu: 'lambda x: x / (1 + np.exp(-x))',
  relu: 'lambda x: np.maximum(x, 0)',
};

/** Checks a descendant against the self-test in NumPy. A block of a narrower stream gets the first columns of the input. */
export function pythonExample(
  { id, file }: ManifestDescendant,
  tolerance: number,
  architecture: Architecture,
): string {
  const { gelu, gated } = architecture;
  const stream = blockWidth(architecture, 0);
  const input = stream === architecture.width ? 'test["input"]' : `test["input"][:, :${stream}]`;
  const layer = (name: string) =>
    `${input} @ w["blocks.0.mlp.${name}.weight"].T + w["blocks.0.mlp.${name}.bias"]`;
  const hidden = gated === true ? `(gelu(${layer('gate')}) * (${layer('fc1')}))` : `gelu(${layer('fc1')})`;
  return `import json, math, numpy as np

def read(path):
    data = open(path, "rb").read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size]); header.pop("__metadata__", None)
    return {name: np.frombuffer(data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]], "<f4").reshape(t["shape"])
            for name, t in header.items()}

w, test = read("${file.path}"), read("self-test.safetensors")
gelu = ${pythonGelu[gelu]}
y = ${hidden} @ w["blocks.0.mlp.fc2.weight"].T + w["blocks.0.mlp.fc2.bias"]
expected = test["${id}"]
assert np.abs(y - expected).max() <= ${tolerance} * max(1, np.abs(expected).max())`;
}

/** Reads a file of weights in Node. */
export function typescriptExample({ file }: ManifestDescendant): string {
  return `import { readFileSync } from 'node:fs';

function read(path) {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__, ...tensors } = JSON.parse(file.toString('utf8', 8, start));
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape, data_offsets: [from, to] }]) =>
    [name, { shape, data: new Float32Array(Uint8Array.from(file.subarray(start + from, start + to)).buffer) }]));
}
const weights = read('${file.path}'); // weights['blocks.0.mlp.fc1.weight'].shape is [hidden, width]`;
}

/** Whether timm's VisionTransformer has a last norm and takes the frame's tensors but for the name of a norm after pooling: behind a first norm its patches have no bias. */
function isTimmFrame(architecture: Architecture): boolean {
  const { registers, rotary, relativePositionBias, representation, normPre, pool } = architecture;
  return (
    [registers, rotary, relativePositionBias, representation, normPre].every((part) => part === undefined) &&
    pool !== 'class-and-mean' &&
    pool !== 'unnormed-mean'
  );
}

/** timm names the layer with the activation `fc1_g`, the other `fc1_x`. */
const gatedSplice = `    model.blocks[block].mlp = SwiGLU(width, hidden, act_layer=type(model.blocks[block].mlp.act))
    for ours, timms in (("gate", "fc1_g"), ("fc1", "fc1_x")):
        for part in ("weight", "bias"):
            weights[f"blocks.{block}.mlp.{timms}.{part}"] = weights.pop(f"blocks.{block}.mlp.{ours}.{part}")
`;

const plainSplice = `    mlp = model.blocks[block].mlp
    mlp.fc1, mlp.fc2 = torch.nn.Linear(width, hidden), torch.nn.Linear(hidden, width)
`;
const renamedNorm = `for part in ("weight", "bias"):   # timm's name of a norm after pooling
    weights[f"fc_norm.{part}"] = weights.pop(f"norm.{part}")
`;

/** How descendants get into timm's model, of a ViT that timm has as it is; else nothing. */
export function splicingText(architecture: Architecture): string {
  const { family, pool, gated } = architecture;
  if (!isDefaultFamily(family) || !isTimmFrame(architecture)) return '';
  return `## Splicing a descendant into a model

With a timm model of the same architecture (PyTorch):

\`\`\`python
import torch
from safetensors.torch import load_file
${gated === true ? 'from timm.layers import SwiGLU\n' : ''}
weights = load_file("frame.safetensors")   # the frame, once
for block, path in enumerate(chosen):      # one descendant file per block: no name is in two files
    weights |= load_file(path)
    hidden, width = weights[f"blocks.{block}.mlp.fc1.weight"].shape
${gated === true ? gatedSplice : plainSplice}${pool === 'mean' || pool === 'max' ? renamedNorm : ''}model.load_state_dict(weights)
\`\`\`

`;
}
