import type { MarkKind } from './kinds.ts';

/** Colour and shape by the field `kind`, with the legend of those kinds that there are. */
export function kindChannels(marks: readonly { readonly kind: string }[], kinds: readonly MarkKind[]) {
  const found = new Set(marks.map(({ kind }) => kind));
  const shown = kinds.filter(({ name }) => found.has(name));
  const domain = shown.map(({ name }) => name);
  const labels = Object.fromEntries(shown.map(({ name, label }) => [name, label]));
  const legend =
    shown.length < 2
      ? null
      : { title: null, labelExpr: `(${JSON.stringify(labels)})[datum.value]`, symbolOpacity: 1 };
  const base = { field: 'kind', type: 'nominal' as const, legend };
  return {
    colour: { ...base, scale: { domain, range: shown.map(({ colour }) => colour) } },
    shape: { ...base, scale: { domain, range: shown.map(({ shape }) => shape) } },
  };
}
