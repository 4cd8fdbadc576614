import { imageSizeText, type Architecture } from '../model/architecture.ts';
import { answerText } from './measure-notes.ts';

/** A teacher in one line: its sizes, what it answers, what it has that a plain ViT has not, and what its head reads. */
export function describeArchitecture(architecture: Architecture): string {
  const { imageSize, patchSize, gelu, layerNormEpsilon } = architecture;
  return `${sizesText(architecture)}, ${answerText(architecture)}, ${imageSizeText(imageSize)} px, patch ${patchSize}, GELU ${gelu}, LayerNorm epsilon ${layerNormEpsilon}${partsText(architecture)}${poolText(architecture)}`;
}

function sizesText({ width, depth, heads, hidden, stages }: Architecture): string {
  if (stages === undefined) return `width ${width}, ${depth} blocks, ${heads} heads, ${hidden} hidden units`;
  const each = (name: 'width' | 'depth' | 'heads' | 'hidden') =>
    stages.map((stage) => stage[name]).join(', ');
  return `widths ${each('width')} in ${stages.length} stages, ${each('depth')} blocks, ${each('heads')} heads, ${each('hidden')} hidden units`;
}

const poolTexts: Readonly<Record<NonNullable<Architecture['pool']>, string>> = {
  mean: 'the normalised mean of the patches',
  'normed-mean': 'the mean of the normalised patches',
  'unnormed-mean': 'the mean of the patches',
  max: 'the normalised maximum of the patches',
  'normed-max': 'the maximum of the normalised patches',
  'class-and-mean': 'the normalised class token and the mean of the normalised patches',
  attention: 'what a learned query finds in the tokens',
  'patch-attention': 'what a learned query finds in the patches',
};

function poolText({ pool, answer }: Architecture): string {
  if (pool === undefined) return '';
  return `, ${answer === 'pooled' ? 'features are' : 'head on'} ${poolTexts[pool]}`;
}

function partsText(architecture: Architecture): string {
  const { gated, classToken, registers, normPre, rotary, relativePositionBias } = architecture;
  const parts = [
    gated === true && 'gated blocks',
    classToken === false && 'no class token',
    registers !== undefined && `${registers} registers`,
    normPre === true && 'a norm before the blocks',
    rotary === true && 'rotary positions',
    relativePositionBias === true && 'biases of relative positions',
  ];
  return parts.map((part) => (part === false ? '' : `, ${part}`)).join('');
}
