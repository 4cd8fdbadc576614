import type { Config } from '../pipeline/config/schema.ts';
import { fail } from '../pipeline/util/failure.ts';
import type { DrawnSplit, Origin, SplitSource, SplitSources } from './contract.ts';

/** In the order of their names in a config. */
export const drawnSplits = ['calibration', 'selection', 'test'] as const satisfies readonly DrawnSplit[];

export type SplitSettings = Config['data']['splits'];

/** How many images each split asks for. */
export function splitImages(splits: SplitSettings): Readonly<Record<DrawnSplit, number>> {
  const images = (name: DrawnSplit) => requestOf(splits, name).images;
  return { calibration: images('calibration'), selection: images('selection'), test: images('test') };
}

/** What a split is taken from where the config does not say: the first of these parts that the source has. */
const defaults: Readonly<Record<DrawnSplit, readonly Origin[]>> = {
  calibration: ['train', 'val', 'test'],
  selection: ['val', 'test', 'train'],
  test: ['test', 'val', 'train'],
};
/** A teacher trained here never sees its selection images, so a source's test images can all be kept for the test. */
const selectionOfTrained: readonly Origin[] = ['val', 'train', 'test'];

/**
 * Which part of the source every split is drawn from.
 * @param parts that the source has images in
 * @param trains the teacher is trained here, on none of the selection and test images
 * @throws BlockForgeError `data-invalid` where a config names a part that the source does not have
 */
export function splitSources(
  splits: SplitSettings,
  parts: ReadonlySet<Origin>,
  trains: boolean,
): SplitSources {
  const sourceOf = (name: DrawnSplit): SplitSource => {
    const { images, from: asked, unseen = false } = requestOf(splits, name);
    const order = trains && name === 'selection' ? selectionOfTrained : defaults[name];
    const [only = 'all', ...others] = parts;
    const chosen = others.length === 0 && asked === 'all' ? only : asked;
    const from = chosen ?? order.find((part) => parts.has(part)) ?? 'all';
    if (from !== 'all' && !parts.has(from)) refusePart(name, from, images, parts);
    const trainedOn = parts.has('train') && (from === 'train' || from === 'all');
    return {
      images,
      from,
      mayBeTrainedOn: name !== 'calibration' && images > 0 && trainedOn && !trains && !unseen,
    };
  };
  return {
    calibration: sourceOf('calibration'),
    selection: sourceOf('selection'),
    test: sourceOf('test'),
  };
}

interface SplitRequest {
  readonly images: number;
  readonly from?: Origin | undefined;
  readonly unseen?: boolean | undefined;
}

function requestOf(splits: SplitSettings, name: DrawnSplit): SplitRequest {
  const asked = splits[name];
  return typeof asked === 'number' ? { images: asked } : asked;
}

function refusePart(name: DrawnSplit, from: Origin, images: number, parts: ReadonlySet<Origin>): never {
  const there = [...parts].filter((part) => part !== 'all');
  return fail({
    reason: 'data-invalid',
    subject: `data.splits.${name}.from`,
    found: `${from}, and the data has no such part`,
    expected: there.length === 0 ? 'all: the data is in one part' : `one of: ${there.join(', ')}, all`,
    next:
      there.length === 0
        ? `give data.splits.${name}: ${images}`
        : 'name a part that is there, or leave `from` out',
  });
}

/** Where the images of every split come from, in sentences. */
export function describeSources(sources: SplitSources): string[] {
  const drawn = drawnSplits.map((name) => {
    const { images, from } = sources[name];
    return `${name} ${images.toLocaleString('en')}${images === 0 ? '' : ` from ${from}`}`;
  });
  const warnings = drawnSplits.flatMap((name) => {
    const { images, from, mayBeTrainedOn } = sources[name];
    return mayBeTrainedOn
      ? [`warning: ${trainedOnWarning(name, `${images.toLocaleString('en')} images`, from)}`]
      : [];
  });
  return [`splits: ${drawn.join(', ')}`, ...warnings];
}

/** What every table says above numbers on such images. */
export function trainedOnWarning(split: string, images: string, from: string): string {
  return (
    `the ${images} of the ${split} split come from ${from === 'train' ? 'the training part' : 'all parts'} of the data: ` +
    'the teacher may have been trained on them, and every number on them is flattered'
  );
}
