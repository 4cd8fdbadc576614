import { pairedScoresPp, type Interval } from '../../../measure/interval.ts';
import type { Answers } from '../../../report/answers.ts';
import type { BlocksRun } from './read-run.ts';

type Step = 'refit' | 'distillation' | 'allocation';

/** What each step gave the uniform model of a sparsity: top-1 minus that of the step before, paired over the images. */
export interface StepGains {
  readonly sparsity: number;
  readonly steps: readonly { readonly name: Step; readonly gain: Interval }[];
}

/** By sparsity, ascending. Steps that were not measured, or cannot be paired, are left out. */
export function stepGains(run: BlocksRun, split: 'selection' | 'test'): StepGains[] {
  const { uniform, allocated = [], confidence } = run.library.manifest;
  const answers = split === 'test' ? run.answers : undefined;
  return uniform.map(({ sparsity, gainsPp }) => {
    const tested = run.test?.uniform.find((item) => item.sparsity === sparsity);
    const told = split === 'test' ? tested?.gainsPp : gainsPp;
    const own = (split === 'test' ? (run.test?.allocated ?? []) : allocated).find(
      (item) => item.sparsity === sparsity && item.costs !== 'uniform',
    );
    const pairs = (after: string, before: string) =>
      answers && paired(answers, `uniform/${sparsity}/${after}`, `uniform/${sparsity}/${before}`, confidence);
    const steps: readonly (readonly [Step, Interval | undefined])[] = [
      ['refit', told?.refit ?? pairs('refit', 'pruned')],
      ['distillation', told?.distilled ?? pairs('distilled', 'refit')],
      ['allocation', own?.versusUniformPp],
    ];
    return {
      sparsity,
      steps: steps.flatMap(([name, gain]) => (gain === undefined ? [] : [{ name, gain }])),
    };
  });
}

function paired(
  { labels, models }: Answers,
  after: string,
  before: string,
  confidence: number,
): Interval | undefined {
  const right = (id: string) => models[id]?.map((said, image) => (said === labels[image] ? 1 : 0));
  const [own, other] = [right(after), right(before)];
  return own && other && labels.length > 0 ? pairedScoresPp(own, other, confidence) : undefined;
}
