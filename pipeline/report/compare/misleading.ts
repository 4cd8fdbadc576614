import { measureNames } from '../../measure/measure-names.ts';
import { comparedName, weightsLabel, type ComparedRun } from '../compared-run.ts';
import type { NoticesPart } from '../page.ts';
import { agreeOn } from './compared-facts.ts';
import { whyUnpaired } from './difference.ts';

type Notice = NoticesPart['notices'][number];

/** What makes a comparison of these runs mislead, in plain words. */
export function misleading(runs: readonly ComparedRun[]): Notice[] {
  const [reference, ...others] = runs;
  if (reference === undefined) return [];
  const warning = (text: string): Notice => ({ level: 'warning', text });
  const found: Notice[] = [];
  const top1 = comparedName(runs);
  const differ = (of: (run: ComparedRun) => unknown) => others.some((run) => of(run) !== of(reference));
  if (differ(({ split }) => split.name))
    found.push(
      warning(
        `Some numbers are of the selection split, some of the test split: choices were made by selection images, which flatters what was chosen. ${runs
          .map(({ name, split }) => `${name}: ${split.name}`)
          .join('; ')}.`,
      ),
    );
  const foreign = others.filter(({ split }) => split.sha256 !== reference.split.sha256);
  if (foreign.length > 0)
    found.push(
      warning(
        `${names(foreign)} ${were(foreign)} measured on other images than ${reference.name}: how hard the images are is part of every difference. Those differences are not paired.`,
      ),
    );
  if (differ(({ measure }) => measure))
    found.push(
      warning(
        `Being right is told in other ways: ${runs.map((run) => `${run.name} by ${measureNames(run.measure).top1}`).join('; ')}. Compare what each model loses against its own teacher, not its share of right images.`,
      ),
    );
  if (!agreeOn(runs, 'Teacher') || !agreeOn(runs, weightsLabel))
    found.push(
      warning(
        `The teachers differ: compare what each model loses against its own teacher, not only its ${top1}.`,
      ),
    );
  if (!agreeOn(runs, 'Classes'))
    found.push(warning(`The classes differ: ${top1} among other classes is another question.`));
  const timed = runs.filter(({ models }) => models.some(({ latencyMs }) => latencyMs !== undefined));
  if (timed.length > 1 && !agreeOn(timed, 'Engine'))
    found.push(
      warning(
        'Latencies were measured by other engines, devices or threads, or of other parts of the models: they do not compare.',
      ),
    );
  if (differ(({ confidence }) => confidence))
    found.push(
      warning(
        `Intervals have different confidence: ${runs.map(({ name, confidence }) => `${name} ${100 * confidence} %`).join('; ')}. Paired differences have that of ${reference.name}.`,
      ),
    );
  if (differ(({ method }) => method))
    found.push({
      level: 'note',
      text: 'The methods differ: models are matched by what they are called, and most of them have no counterpart.',
    });
  const unkept = others.filter(
    (run) => run.split.sha256 === reference.split.sha256 && whyUnpaired(reference, run) !== undefined,
  );
  if (unkept.length > 0)
    found.push({
      level: 'note',
      text: `Not paired with ${reference.name} although the images are the same, for want of what each model said of each image: ${unkept.map((run) => `${run.name} (${whyUnpaired(reference, run) ?? ''})`).join('; ')}. Those intervals are wider than they had to be.`,
    });
  return found;
}

function names(runs: readonly ComparedRun[]): string {
  return runs.map(({ name }) => name).join(', ');
}

function were(runs: readonly ComparedRun[]): string {
  return runs.length === 1 ? 'was' : 'were';
}
