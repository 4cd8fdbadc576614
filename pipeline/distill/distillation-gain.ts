import type { TrainedWidth, TrainingHistory } from './history.ts';

export interface DistillationGain {
  /** Widest first. */
  readonly widths: readonly number[];
  /** Training and looks, summed over the jobs. */
  readonly seconds: number;
  readonly points: readonly {
    /** Of every job's own time. */
    readonly timeShare: number;
    readonly seconds: number;
    /** By width: the share of KL(teacher || refit) on held-out images that is gone, in [0, 1]. */
    readonly removed: readonly number[];
  }[];
}

type Job = Pick<TrainingHistory, 'widths' | 'looks'>;

const timeShares = [0.1, 0.25, 0.5, 0.75, 1];

/**
 * What distillation gained over the time it took. A width stands at its lowest KL so far, because the best weights are what
 * is kept; between two looks it is on the straight line from one to the other. A kept refit gained nothing.
 * The learning rate decays over the whole training: a shorter one ends better than this curve at the same time.
 *
 * @param jobs widest widths first
 * @returns undefined where nothing was trained
 */
export function distillationGain(jobs: readonly Job[]): DistillationGain | undefined {
  const trained = jobs.filter(({ looks }) => looks.length > 0);
  if (trained.length === 0) return undefined;
  const seconds = trained.reduce((sum, { looks }) => sum + looks[looks.length - 1]!.seconds, 0);
  return {
    widths: trained.flatMap(({ widths }) => widths.map(({ width }) => width)),
    seconds,
    points: timeShares.map((timeShare) => ({
      timeShare,
      seconds: timeShare * seconds,
      removed: trained.flatMap(({ widths, looks }) =>
        widths.map((width, place) => removedAt(width, looks, place, timeShare)),
      ),
    })),
  };
}

function removedAt(
  { kept, klBefore }: TrainedWidth,
  looks: TrainingHistory['looks'],
  place: number,
  timeShare: number,
): number {
  if (kept === 'refit' || !(klBefore > 0)) return 0;
  const at = timeShare * looks[looks.length - 1]!.seconds;
  let before = { seconds: 0, kl: klBefore };
  for (const { seconds, kl } of looks) {
    const next = { seconds, kl: Math.min(before.kl, kl[place]!) };
    if (at <= seconds) {
      const passed = seconds === before.seconds ? 1 : (at - before.seconds) / (seconds - before.seconds);
      return 1 - (before.kl + passed * (next.kl - before.kl)) / klBefore;
    }
    before = next;
  }
  return 1 - before.kl / klBefore;
}
