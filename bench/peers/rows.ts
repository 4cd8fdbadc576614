import type { Precision } from '../../pipeline/tensor/recorded/precision.ts';
import type { Row } from './comparison.ts';
import { evaluationRow } from './evaluation.ts';
import { fitRow } from './fit.ts';
import { forwardRow } from './forward.ts';
import { stepRow } from './step.ts';
import { wholeRow } from './whole.ts';

const steps = [
  { tokens: 8192, width: 768, hidden: 1536 },
  { tokens: 2048, width: 192, hidden: 384 },
  { tokens: 512, width: 64, hidden: 128 },
];

const forwards = [
  { title: 'ViT-Tiny', architecture: 'vit_tiny_patch16_224', images: 32 },
  { title: 'ViT-B', architecture: 'vit_base_patch16_224', images: 8 },
];

/** Every row of the table, in its order. `precisions` are those that this processor computes fast. */
export function rowsOf(precisions: readonly Precision[]): readonly Row[] {
  return [
    ...steps.flatMap((size) => precisions.map((precision) => stepRow({ ...size, precision }))),
    ...forwards.flatMap((model) => precisions.map((precision) => forwardRow({ ...model, precision }))),
    evaluationRow({
      title: 'ViT-Tiny evaluation',
      architecture: 'vit_tiny_patch16_224',
      sparsities: [0.4, 0.5, 0.6, 0.7],
      images: 4,
    }),
    fitRow({ title: 'ViT-Tiny', width: 192, hidden: 768 }),
    fitRow({ title: 'ViT-B', width: 768, hidden: 3072 }),
    wholeRow({ calibration: 128, selection: 32, sparsities: [0.4, 0.5, 0.6, 0.7] }),
  ];
}

/** For `--only`. */
export const groups = ['step', 'forward', 'evaluation', 'fit'] as const;
