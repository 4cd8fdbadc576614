/** Public safetensors checkpoints that this tool reads as they are, by the start of the architecture's name. */
const published: Readonly<Record<string, readonly string[]>> = {
  vit_tiny_patch16_224: ['timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k'],
  vit_small_patch16_224: ['timm/vit_small_patch16_224.augreg_in21k_ft_in1k'],
  vit_base_patch16_224: ['timm/vit_base_patch16_224.augreg2_in21k_ft_in1k', 'google/vit-base-patch16-224'],
  vit_large_patch16_224: ['timm/vit_large_patch16_224.augreg_in21k_ft_in1k', 'google/vit-large-patch16-224'],
  deit_tiny_patch16_224: ['timm/deit_tiny_patch16_224.fb_in1k', 'facebook/deit-tiny-patch16-224'],
  deit_small_patch16_224: ['timm/deit_small_patch16_224.fb_in1k', 'facebook/deit-small-patch16-224'],
  deit_base_patch16_224: ['timm/deit_base_patch16_224.fb_in1k', 'facebook/deit-base-patch16-224'],
};

/** How to come by weights for `path`, which is not there: names of checkpoints that fit, and both ways to get one. */
export function howToGetCheckpoint(
  path: string,
  architectureName?: string,
): { expected: string; next: string } {
  const base = architectureName?.split('.')[0] ?? '';
  const fitting = published[base] ?? ['google/vit-base-patch16-224', 'timm/deit_small_patch16_224.fb_in1k'];
  return {
    expected: `a safetensors file (timm, Hugging Face or torchvision names); on the Hugging Face hub ${fitting.join(' and ')} ${fitting.length === 1 ? 'fits' : 'fit'}`,
    next: `--set teacher.checkpoint=hf:${fitting[0]} downloads it; or download model.safetensors and config.json of it by hand and put them into ${folderOf(path)}`,
  };
}

function folderOf(path: string): string {
  return path.endsWith('.safetensors') ? path.slice(0, path.lastIndexOf('/')) : path;
}
