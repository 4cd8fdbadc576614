import { measureNames } from '../measure/measure-names.ts';
import type { Architecture } from '../model/architecture.ts';
import type { Manifest } from './manifest.ts';

// What the README of a library says of models without a classifier; nothing of others.

export function answerText({ answer, classes }: Architecture): string {
  if (answer === undefined) return `${classes} classes`;
  return `no classifier: answers with ${answer === 'pooled' ? '' : 'projected '}features of ${classes} numbers`;
}

/** Its row in the table of files. */
export function indexFile({ teacher: { measure } }: Manifest): string {
  if (measure === undefined) return '';
  const holds =
    measure.kind === 'k-nn'
      ? "the teacher's features of the labelled calibration images, of length 1"
      : "embeddings of the classes' names, of length 1";
  return `| \`${measure.index.path}\` | ${holds}: \`features\` [n, F] and \`labels\` [n], what features are given their classes by |\n`;
}

/** How features get classes, for who measures them again. */
export function measureNote({ teacher: { measure } }: Manifest): string {
  if (measure === undefined) return '';
  const how =
    measure.kind === 'k-nn'
      ? `a model's feature of an image gets the class that wins the vote of the ${measure.neighbours} nearest features in \`${measure.index.path}\` by cosine, each with the weight exp(cos / ${measure.temperature})`
      : `a model's feature of an image gets the class of the nearest embedding in \`${measure.index.path}\` by cosine`;
  return `- Every top-1 here is ${measureNames(measure.kind).top1}: ${how}.\n`;
}
