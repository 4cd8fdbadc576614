/**
 * What models are measured by. classes: a classifier's most likely class. k-nn: of features, the vote of the nearest labelled features
 * of the teacher. zero-shot: of features, the nearest of the embeddings of the classes' names.
 */
export const measureKinds = ['classes', 'k-nn', 'zero-shot'] as const;
export type MeasureKind = (typeof measureKinds)[number];

/** What tables call the numbers of a measure. */
export interface MeasureNames {
  /** Share of images that are right: "top-1". */
  readonly top1: string;
  /** At the head of a sentence. */
  readonly Top1: string;
  /** Share of images whose label is among the five likeliest classes: "top-5". */
  readonly top5: string;
  /** Which images are right, in words that follow "share of the images". */
  readonly rightInWords: string;
  /** Of a model, before "on 70 % of the images": "is right". */
  readonly isRight: string;
  /** How far a model's answer is from the teacher's, mean over the images: "KL". */
  readonly divergence: string;
  /** Its unit behind a number, with the space before it; empty where it has none. */
  readonly unit: string;
  /** Of uniform models, as the title of a chart. */
  readonly divergenceFromTeacher: string;
  /** The same at full length. */
  readonly divergenceInWords: string;
  /** In names of columns. */
  readonly top1Column: string;
  readonly divergenceColumn: string;
  /** When two models agree on an image, in words that follow "the share of images on which". */
  readonly agreement: string;
}

const ofFeatures = {
  divergence: '1 - cos',
  divergenceFromTeacher: '1 - cos of the features of teacher and uniform model',
  unit: '',
  divergenceInWords: "1 minus the cosine of the model's feature to the teacher's, mean over the images",
  divergenceColumn: 'feature_loss',
} as const;

const names: Readonly<Record<MeasureKind, MeasureNames>> = {
  classes: {
    top1: 'top-1',
    Top1: 'Top-1',
    top5: 'top-5',
    isRight: 'is right',
    rightInWords: 'whose most likely class is the label',
    divergence: 'KL',
    divergenceFromTeacher: 'KL(teacher || uniform model)',
    unit: ' nats',
    divergenceInWords: 'KL(teacher || model) over the classes in nats, mean over the images',
    top1Column: 'top1',
    divergenceColumn: 'kl',
    agreement: 'it says what the teacher says',
  },
  'k-nn': {
    ...ofFeatures,
    top1: 'k-NN top-1',
    Top1: 'K-NN top-1',
    top5: 'k-NN top-5',
    isRight: 'is right by the vote of neighbours (k-NN top-1)',
    rightInWords: "whose class by the vote of the nearest of the teacher's labelled features is the label",
    top1Column: 'knn_top1',
    agreement: "the vote of the neighbours is that for the teacher's feature",
  },
  'zero-shot': {
    ...ofFeatures,
    top1: 'zero-shot top-1',
    Top1: 'Zero-shot top-1',
    top5: 'zero-shot top-5',
    isRight: 'is right by the nearest text embedding (zero-shot top-1)',
    rightInWords: "whose nearest text embedding is the label's",
    top1Column: 'zero_shot_top1',
    agreement: "the nearest class is that of the teacher's feature",
  },
};

/** Default: of a classifier. */
export function measureNames(kind: MeasureKind = 'classes'): MeasureNames {
  return names[kind];
}
