import type { ModelManifest } from './model-manifest.ts';

/**
 * Python that gives `features[0]` its class by the index beside a model: the vote of neighbours, or the nearest embedding. The largest
 * cosine is taken off before exp: weights keep their proportions and none overflows.
 */
export function classifyExample({
  path,
  neighbours,
  temperature,
}: NonNullable<ModelManifest['index']>): string {
  const label =
    neighbours === undefined
      ? 'label = index["labels"][cosines.argmax()]'
      : `nearest = np.argsort(-cosines)[:${neighbours}]
votes = np.bincount(index["labels"][nearest], np.exp((cosines[nearest] - cosines.max()) / ${temperature}))
label = votes.argmax()`;
  return `import json
from safetensors.numpy import load_file

index = load_file("${path}")
cosines = index["features"] @ (features[0] / np.linalg.norm(features[0]))
${label}
print(json.load(open("composition.json"))["classNames"][label])`;
}
