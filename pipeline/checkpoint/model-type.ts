import { refuseField, valueOf, type Document } from './document.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming-contract.ts';

/**
 * Refuses transformers' config.json of another class than the tensors' names are of: what it leaves out would be taken from the defaults
 * of that class.
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function requireModelType(
  stored: StoredCheckpoint,
  naming: Naming,
  documents: readonly Document[],
): void {
  if (naming.name !== 'huggingface') return;
  const document = documents.find((one) => valueOf(one, 'model_type') !== undefined);
  const types = modelTypesOf(stored, naming);
  if (document === undefined || types.includes(String(valueOf(document, 'model_type')))) return;
  refuseField(document, 'model_type', `${types.join(' or ')}, whose names the tensors have`);
}

/** The `model_type` of the classes that name their tensors so. */
function modelTypesOf({ tensors }: StoredCheckpoint, naming: Naming): readonly string[] {
  const [patches = '', norm = '', token = ''] = [
    'patch_embed.proj.weight',
    'blocks.0.norm1.weight',
    'cls_token',
  ].map((canonical) => naming.stored(canonical)[0]);
  if (patches.endsWith('embeddings.patch_embedding.weight'))
    return tensors.has(token) ? ['clip', 'clip_vision_model'] : ['siglip', 'siglip_vision_model'];
  if (patches.endsWith('embeddings.patch_embeddings.weight')) return ['dinov3_vit'];
  if (norm.endsWith('.norm1.weight')) return ['dinov2', 'dinov2_with_registers'];
  return ['vit', 'deit', 'beit', 'data2vec-vision'];
}
