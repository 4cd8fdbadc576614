import { measuredModels } from '../../../library/recommended-model.ts';
import type { ManifestDescendant } from '../../../library/manifest.ts';
import { modelMs } from '../../../profile/latency.ts';
import type { ComparedModel } from '../../../report/compared-run.ts';
import { hiddenUnits } from '../../../model/architecture.ts';
import { frameCosts } from '../../../model/costs.ts';
import { known } from '../../../util/known.ts';
import type { BlocksRun, MeasuredOnSplit } from './read-run.ts';
import { removedText } from './words.ts';

/** What a whole model takes. */
export interface ModelCosts {
  readonly params: number;
  readonly macs: number;
  /** Weight files, the frame's among them. */
  readonly sizeBytes: number;
  /** As `BlocksRun.latency` has it. */
  readonly latencyMs: number;
}

/** A whole model as the page tells of it. */
export interface ReportedModel extends ModelCosts {
  /** In score files. */
  readonly id: string;
  readonly label: string;
  readonly kind: Exclude<ComparedModel['kind'], 'fused' | 'small' | 'random'>;
  readonly sparsity: number;
  /** Hidden units by block. */
  readonly widths: readonly number[];
  readonly selection: MeasuredOnSplit | undefined;
  readonly test: MeasuredOnSplit | undefined;
}

const kindWords = { pruned: 'cut only', refit: 'refit', distilled: 'distilled' } as const;

/** The teacher, the uniform models step by step, the allocated ones that are models of their own, the polished ones. */
export function reportedModels(run: BlocksRun): ReportedModel[] {
  const { manifest } = run.library;
  const { test } = run;
  const costsOf = costsBy(run);
  const uniform = manifest.uniform.flatMap(
    ({ sparsity, descendants, params, macs, ...scores }): ReportedModel[] => {
      const widths = widthsOf(run, descendants);
      const tested = test?.uniform.find((item) => item.sparsity === sparsity);
      return (['pruned', 'refit', 'distilled'] as const).flatMap((kind) => {
        const selection = scores[kind] ?? undefined;
        return selection === undefined
          ? []
          : [
              {
                id: `uniform/${sparsity}/${kind}`,
                label: `uniform ${removedText(sparsity)}, ${kindWords[kind]}`,
                kind,
                sparsity,
                widths,
                ...costsOf(widths),
                params,
                macs,
                selection,
                test: tested?.[kind],
              },
            ];
      });
    },
  );
  const allocated = measuredModels(manifest)
    .filter(({ kind }) => kind === 'allocated')
    .map(({ id, sparsity, descendants, params, macs, scores }): ReportedModel => {
      const widths = widthsOf(run, descendants);
      return {
        id,
        label: `allocated ${removedText(sparsity)}`,
        kind: 'allocated',
        sparsity,
        widths,
        ...costsOf(widths),
        params,
        macs,
        selection: scores,
        test: test?.allocated.find((item) => item.id === id)?.measured,
      };
    });
  const polished = (test?.polished ?? []).flatMap(({ sparsity, measured }): ReportedModel[] => {
    const same = uniform.find((model) => model.sparsity === sparsity);
    return same === undefined
      ? []
      : [
          {
            ...same,
            id: `polished/${sparsity}`,
            label: `uniform ${removedText(sparsity)}, polished`,
            kind: 'polished',
            selection: undefined,
            test: measured,
          },
        ];
  });
  const whole = hiddenUnits(manifest.teacher.architecture);
  const teacher: ReportedModel = {
    id: 'teacher',
    label: 'teacher',
    kind: 'teacher',
    sparsity: 0,
    widths: whole,
    ...costsOf(whole),
    params: manifest.teacher.params,
    macs: manifest.teacher.macs,
    selection: {
      ...manifest.teacher.accuracy,
      top1DeltaPp: { mean: 0, low: 0, high: 0 },
      kl: 0,
      agreementPercent: 100,
    },
    test: test?.teacher && { ...test.teacher, top1DeltaPp: { mean: 0, low: 0, high: 0 } },
  };
  return [teacher, ...uniform, ...allocated, ...polished];
}

/** What a choice of widths takes. */
export function costsBy({
  library: { manifest },
  latency,
}: BlocksRun): (widths: readonly number[]) => ModelCosts {
  const frame = frameCosts(manifest.teacher.architecture);
  const byWidth = manifest.blocks.map(
    ({ descendants }) => new Map(descendants.map((item): [number, ManifestDescendant] => [item.width, item])),
  );
  return (widths) => {
    const parts = widths.map((width, block) =>
      known(byWidth[block] ?? new Map<number, ManifestDescendant>(), width),
    );
    const sum = (of: (item: ManifestDescendant) => number, start: number) =>
      parts.reduce((total, item) => total + of(item), start);
    return {
      params: sum(({ params }) => params, frame.params),
      macs: sum(({ macs }) => macs, frame.macs),
      sizeBytes: sum(({ file }) => file.sizeBytes, manifest.frame.sizeBytes),
      latencyMs: modelMs(latency, widths),
    };
  };
}

export function widthsOf({ library }: BlocksRun, ids: readonly string[]): number[] {
  return ids.map((id) => library.descendant(id).width);
}
