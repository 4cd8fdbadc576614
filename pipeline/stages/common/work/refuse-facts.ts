import type { Preprocessing } from '../../../../datasets/contract.ts';
import type { SampleInterval } from '../../../measure/interval.ts';
import { fail } from '../../../util/failure.ts';
import { showValue } from '../../../util/foreign-value.ts';
import type { ModelClasses, Subset } from '../classes.ts';
import type { BetterFacts, BetterPreset } from './better-facts.ts';
import type { BetterOrder } from './better-order.ts';

/** What is taken for true of the teacher. */
interface Assumed {
  readonly classes: readonly string[];
  readonly subset: Subset | null;
  readonly by: ModelClasses['by'];
  readonly rule: string;
  readonly top1: SampleInterval;
  readonly preprocessing: Preprocessing;
}

/**
 * Refuses a preparation, an order of the classes, or both, where others are clearly better.
 * @throws BlockForgeError `gate-failed`, with the settings that say the better ones
 */
export function refuseFacts({ preset, order }: BetterFacts, assumed: Assumed): void {
  const { top1, rule, preprocessing } = assumed;
  if (preset === undefined) {
    if (order === undefined) return;
    const { name, correct } = order;
    return fail({
      reason: 'gate-failed',
      subject: 'teacher, order of the classes',
      found: `top-1 is ${top1.mean.toFixed(1)} % on ${top1.images} selection images (${rule}), and ${((100 * correct) / top1.images).toFixed(1)} % with the classes in ${name === undefined ? 'another order' : `the order "${name}"`}`,
      expected: `every class at the teacher's own output; ${describeMoves(order, assumed)}`,
      next: orderSetting(order, assumed),
    });
  }
  const { mean, std } = preprocessing;
  const found = `top-1 is ${preset.chosenTop1.toFixed(1)} % on the first selection images with mean [${mean.join(', ')}], std [${std.join(', ')}]`;
  const { kept } = preset;
  const reached = `${preset.top1.toFixed(1)} %${kept === undefined ? '' : ` (it also resizes otherwise; with the sizes as they are ${kept.top1.toFixed(1)} %: ${presetSetting(kept)})`}`;
  if (order === undefined) {
    return fail({
      reason: 'gate-failed',
      subject: 'teacher, preprocessing',
      found,
      expected: `the preprocessing the teacher was trained with; preset "${preset.setting}" reaches ${reached}`,
      next: presetSetting(preset),
    });
  }
  const setting = orderSetting(order, assumed);
  fail({
    reason: 'gate-failed',
    subject: 'teacher, preprocessing and order of the classes',
    found: `${found} (${rule})`,
    expected: `the preprocessing the teacher was trained with, and every class at its own output; preset "${preset.setting}" and another order together reach ${reached}: ${describeMoves(order, assumed)}`,
    next: `${presetSetting(preset)}${setting.startsWith('--') ? '' : ' and'} ${setting}`,
  });
}

function presetSetting({ setting }: Pick<BetterPreset, 'setting'>): string {
  return `--set data.preprocessing=${setting.startsWith('{') ? `'${setting}'` : setting}`;
}

function describeMoves({ outputs }: BetterOrder, { classes, subset }: Assumed): string {
  const moved = outputs.flatMap((output, index) => (output === index ? [] : [index]));
  const shown = moved.slice(0, 3).map((index) => {
    const [is, seems] = [index, outputs[index]!].map((place) => subset?.indices[place] ?? place);
    return `${showValue(classes[index])} is taken for output ${is} and seems to be ${seems}`;
  });
  return `${shown.join('; ')}${moved.length > 3 ? '; ...' : ''}`;
}

/** Orders that are written out whole in a message have at most as many classes. */
const mostListed = 40;

function orderSetting({ name, outputs }: BetterOrder, { classes, subset, by }: Assumed): string {
  const listed: string[] = [];
  classes.forEach((folder, index) => (listed[outputs[index]!] = JSON.stringify(folder)));
  const inOrder =
    classes.length <= mostListed
      ? `--set 'data.classOrder=[${listed.join(', ')}]'`
      : "data.classFile: FILE with the class folders in the order of the teacher's outputs, one a line";
  const labels =
    by === 'labels' ? 'correct the labels, which say another order (teacher.labels: FILE)' : undefined;
  if (subset !== null) return labels ?? 'correct teacher.labels';
  return [labels, name === undefined ? inOrder : `--set data.classOrder=${name}`]
    .filter((text) => text !== undefined)
    .join(', or ');
}
