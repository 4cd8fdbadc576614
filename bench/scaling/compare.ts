/** A model that a device could run: which images it gets right, and what it uses. */
export interface Candidate {
  readonly id: string;
  /** 1 where the most likely class is the label, in the order of the images. */
  readonly correct: Uint8Array;
  readonly amounts: Readonly<Record<string, number>>;
}

/** What block-grained scaling saves of one resource, on average over the accuracies asked for. */
export interface Saving {
  /** 1 - block-grained / model-grained; negative where it costs more. */
  readonly share: number;
  /** Of that, what models of every size between the uniform ones would save, at accuracies in between ... */
  readonly byFinerSteps: number;
  /** ... and what choosing blocks saves beyond them. */
  readonly byChoosingBlocks: number;
  /** Accuracy of the block-grained choice minus that of the model-grained one, on images that neither was chosen by. */
  readonly differencePp: number;
}

/** The choices for one accuracy asked for. */
export interface Step {
  readonly targetPercent: number;
  readonly model: Candidate;
  readonly block: Candidate;
}

/**
 * Asks both kinds of scaling for the same accuracies, `steps` of them from the worst whole model's to the best's, and
 * takes from each the candidate that uses least of `resource` and reached the accuracy on one half of the images. The
 * other half says what the two really reach; then the halves change places. A block-grained runtime can run every
 * whole model too, so its candidates are all of them.
 */
export function compareScaling(
  models: readonly Candidate[],
  compositions: readonly Candidate[],
  resource: string,
  steps = 50,
): Saving {
  const halves = split(models[0]!.correct.length);
  const found = halves.flatMap((choosing, side) => {
    const judging = halves[1 - side]!;
    return walk(models, compositions, resource, choosing, steps).map(({ targetPercent, model, block }) => ({
      between: interpolate(models, resource, choosing, targetPercent) / model.amounts[resource]!,
      ratio: block.amounts[resource]! / model.amounts[resource]!,
      differencePp: percent(block, judging) - percent(model, judging),
    }));
  });
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const share = 1 - mean(found.map(({ ratio }) => ratio));
  const byFinerSteps = 1 - mean(found.map(({ between }) => between));
  return {
    share,
    byFinerSteps,
    byChoosingBlocks: share - byFinerSteps,
    differencePp: mean(found.map(({ differencePp }) => differencePp)),
  };
}

/** For every accuracy asked for, least first, what each kind of scaling runs, judged by the images given. */
export function walk(
  models: readonly Candidate[],
  compositions: readonly Candidate[],
  resource: string,
  images: readonly number[],
  steps: number,
): Step[] {
  const reached = models.map((model) => percent(model, images));
  const [low, high] = [Math.min(...reached), Math.max(...reached)];
  return Array.from({ length: steps }, (_, step) => {
    const targetPercent = low + ((high - low) * step) / Math.max(1, steps - 1);
    return {
      targetPercent,
      model: leanest(models, resource, images, targetPercent),
      block: leanest([...models, ...compositions], resource, images, targetPercent),
    };
  });
}

function leanest(
  candidates: readonly Candidate[],
  resource: string,
  images: readonly number[],
  targetPercent: number,
): Candidate {
  const good = candidates.filter((candidate) => percent(candidate, images) >= targetPercent - 1e-9);
  return good.reduce((a, b) => (b.amounts[resource]! < a.amounts[resource]! ? b : a));
}

/** What a model of exactly this accuracy would use if uniform models came in every size: along their lower hull. */
function interpolate(
  models: readonly Candidate[],
  resource: string,
  images: readonly number[],
  targetPercent: number,
): number {
  const points = models.map((model) => ({ x: percent(model, images), y: model.amounts[resource]! }));
  const candidates = points.flatMap((a) =>
    points.flatMap((b) => {
      if (a.x >= targetPercent - 1e-9) return [a.y];
      if (b.x < targetPercent) return [];
      return [a.y + ((b.y - a.y) * (targetPercent - a.x)) / (b.x - a.x)];
    }),
  );
  return Math.min(...candidates);
}

export function percent({ correct }: Candidate, images: readonly number[]): number {
  return (100 * images.reduce((sum, image) => sum + correct[image]!, 0)) / images.length;
}

/** Even and odd places: the images of a split come in random order. */
function split(images: number): [number[], number[]] {
  const all = Array.from({ length: images }, (_, image) => image);
  return [all.filter((image) => image % 2 === 0), all.filter((image) => image % 2 === 1)];
}
