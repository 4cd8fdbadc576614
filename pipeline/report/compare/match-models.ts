import type { ComparedModel, ComparedRun } from '../compared-run.ts';

/** One model in every run that has it; the first place is the reference's. */
export interface MatchedModel {
  readonly label: string;
  readonly models: readonly (ComparedModel | undefined)[];
}

/**
 * Models of the same kind and label are the same, the n-th of a label the n-th of it elsewhere; and so are those that are the only
 * ones of their kind, e.g. the teachers. In the order of the first run, then what only later ones have.
 */
export function matchModels(runs: readonly ComparedRun[]): MatchedModel[] {
  const rows: { label: string; kind: ComparedModel['kind']; models: (ComparedModel | undefined)[] }[] = [];
  runs.forEach(({ models }, run) => {
    const left: ComparedModel[] = [];
    for (const model of models) {
      const row = rows.find(
        ({ label, kind, models: known }) =>
          known[run] === undefined && label === model.label && kind === model.kind,
      );
      if (row === undefined) left.push(model);
      else row.models[run] = model;
    }
    for (const model of left) {
      const isOnly = models.filter(({ kind }) => kind === model.kind).length === 1;
      const ofKind = rows.filter(({ kind }) => kind === model.kind);
      const [row] = ofKind;
      if (isOnly && ofKind.length === 1 && row !== undefined) row.models[run] = model;
      else
        rows.push({
          label: model.label,
          kind: model.kind,
          models: runs.map((_, i) => (i === run ? model : undefined)),
        });
    }
  });
  const taken = new Set<string>();
  return rows.map(({ label, kind, models }) => {
    const labels = [...new Set(models.flatMap((model) => (model === undefined ? [] : [model.label])))];
    const own = labels.length > 1 ? labels.join(' / ') : label;
    // Tables and charts tell rows apart by their labels.
    let free = own;
    for (let count = 1; taken.has(free); count++)
      free = count === 1 ? `${own} (${kind})` : `${own} (${kind}, ${count})`;
    taken.add(free);
    return { label: free, models };
  });
}
