import type { ComparedModel } from '../compared-run.ts';

/** How the marks of one kind look, in every chart alike: a colour of the page and a shape, so that neither says it alone. */
export interface MarkKind {
  readonly name: string;
  readonly label: string;
  /** A CSS colour, e.g. `var(--c1)`. */
  readonly colour: string;
  /** Of Vega's symbols, or an SVG path about -1..1. */
  readonly shape: string;
}

const star =
  'M0,-1.5L.337,-.464L1.427,-.464L.545,.177L.882,1.214L0,.573L-.882,1.214L-.545,.177L-1.427,-.464L-.337,-.464Z';

/** Of models, by `ComparedModel.kind`. */
export const modelKinds: readonly (MarkKind & { readonly name: ComparedModel['kind'] })[] = [
  { name: 'teacher', label: 'teacher', colour: 'var(--ink)', shape: star },
  { name: 'pruned', label: 'cut only', colour: 'var(--c2)', shape: 'cross' },
  { name: 'refit', label: 'refit', colour: 'var(--c1)', shape: 'circle' },
  { name: 'distilled', label: 'distilled', colour: 'var(--c3)', shape: 'square' },
  { name: 'allocated', label: 'allocated', colour: 'var(--c4)', shape: 'diamond' },
  { name: 'polished', label: 'polished', colour: 'var(--c5)', shape: 'triangle-up' },
  { name: 'random', label: 'random', colour: 'var(--c8)', shape: 'triangle-down' },
  { name: 'fused', label: 'fused', colour: 'var(--c6)', shape: 'triangle-right' },
  { name: 'small', label: 'trained small', colour: 'var(--c7)', shape: 'triangle-left' },
];

const shapes = [
  'circle',
  'square',
  'diamond',
  'triangle-up',
  'cross',
  'triangle-down',
  'triangle-right',
  star,
];

/** For whatever else is told apart (runs, devices, stages): the page's colours and shapes in turn. */
export function kindsOf(names: readonly string[]): readonly MarkKind[] {
  return names.map((name, i) => ({
    name,
    label: name,
    colour: `var(--c${(i % shapes.length) + 1})`,
    shape: shapes[i % shapes.length]!,
  }));
}
