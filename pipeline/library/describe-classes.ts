import { isClassifier } from '../model/architecture.ts';
import type { Manifest } from './manifest.ts';

/** Names that are written out; the manifest has all of them. */
const most = 10;

/** Which classes a model tells apart, as a cell of a Markdown table. */
export function describeClasses({
  architecture,
  classNames,
  subset,
}: Pick<Manifest['teacher'], 'architecture' | 'classNames' | 'subset'>): string {
  const names = classNames?.slice(0, most).map(asMarkdown) ?? [];
  const count = isClassifier(architecture) ? architecture.classes : (classNames?.length ?? 0);
  const rest = count - names.length;
  const listed = names.length === 0 ? '' : `: ${names.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
  const all = `${count}${listed}${isClassifier(architecture) ? '' : ', those of the data: the model has none'}`;
  if (subset === undefined) return all;
  const of = subset.of.toLocaleString('en');
  const { mean, low, high } = subset.unrestrictedTop1Percent;
  return (
    `${all}. They are a part of the teacher's ${of}, and its logits are restricted to them here; ` +
    `the whole teacher's top-1 among all ${of} is ${mean.toFixed(2)} % [${low.toFixed(2)}, ${high.toFixed(2)}]`
  );
}

/** Somebody else's text on one line that Markdown does not read anything into. */
function asMarkdown(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').replace(/[\\`*_{}[\]<>|#]/g, '\\$&');
}
