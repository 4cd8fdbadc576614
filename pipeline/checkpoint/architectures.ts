import { imagenetStatistics } from '../../datasets/preprocessing.ts';
import { patchGrid } from '../model/architecture.ts';
import type { NamedArchitecture } from './named-architecture.ts';
import { publishedPreparation } from './published-preparation.ts';
import { publishedRefusals } from './published-refusals.ts';
import { publishedSeries, type Series } from './published-series.ts';
import { sizes } from './published-sizes.ts';
import { namedSwin, torchvisionSwins } from './swin/architectures.ts';

const torchvision = {
  vit_b_16: { size: 'base', patchSize: 16, resize: 256 },
  vit_b_32: { size: 'base', patchSize: 32, resize: 256 },
  vit_l_16: { size: 'large', patchSize: 16, resize: 242 },
  vit_l_32: { size: 'large', patchSize: 32, resize: 256 },
} as const;

/** timm and torchvision both use a LayerNorm epsilon of 1e-6 and the exact GELU where a series says nothing else. */
const usual = { layerNormEpsilon: 1e-6, gelu: 'exact' } as const;

const patterns = publishedSeries.map((series) => [series, patternOf(series)] as const);

/** A name with timm's tag or without, and with what older versions wrote for a tag. */
function patternOf({ name }: Series): RegExp {
  const pattern = name
    .replace('SIZE', '(?<size>[a-z0-9]+(?:_plus)?)')
    .replace('patchP', String.raw`patch(?<patch>\d+)`)
    .replace(/_S$/, String.raw`_(?<image>\d+)(?:_(?:in21k|in22k|miil|miil_in21k|sam|dino))?`);
  return new RegExp(String.raw`^${pattern}(?:\.\w+)?$`);
}

/** For messages that say more than the names. */
export const exampleNames =
  "timm's (vit_base_patch16_224, vit_small_patch14_dinov2, swin_tiny_patch4_window7_224, ...) or torchvision's (vit_b_16, swin_t, ...)";

/** Names as messages list them. */
export const knownNames = describeNames();

function describeNames(): string {
  const names = publishedSeries.map(({ name }) => name.replace(/patch\d+/, 'patchP').replace(/_\d+$/, '_S'));
  return (
    `${[...new Set(names)].join(', ')} (timm; SIZE as timm has it, P and S in pixels), ` +
    'swin_{tiny,small,base,large}_patch4_window{7_224,12_384} (timm), ' +
    `${[...Object.keys(torchvision), ...torchvisionSwins].join(', ')} (torchvision)`
  );
}

/** `vit_base_patch16_224`, with or without timm's `.tag`, or torchvision's (`vit_b_16`, `swin_t`); undefined for other names and for refused ones. */
export function namedArchitecture(name: string): NamedArchitecture | undefined {
  const understood = understand(name);
  return typeof understood === 'string' ? undefined : understood;
}

/** Why a published name is of a model that cannot be a teacher; undefined for names that are known and for names of nothing. */
export function refusedArchitecture(name: string): string | undefined {
  const understood = understand(name);
  return typeof understood === 'string' ? understood : undefined;
}

/** As `refusedArchitecture`, of what no other size of images would end. */
export function refusedForm(name: string): string | undefined {
  return publishedRefusals.find(([pattern]) => pattern.test(name))?.[1];
}

/** @returns why not, for a published name that is refused */
function understand(name: string): NamedArchitecture | string | undefined {
  if (Object.hasOwn(torchvision, name)) return ofTorchvision(name as keyof typeof torchvision);
  const refusal = refusedForm(name);
  if (refusal !== undefined) return refusal;
  const swin = namedSwin(name);
  if (swin !== undefined) return swin;
  for (const [series, pattern] of patterns) {
    const { size = '', patch, image } = pattern.exec(name)?.groups ?? {};
    if (!Object.hasOwn(series.sizes, size)) continue;
    const patchSize = series.patchSize ?? Number(patch);
    const imageSize = series.imageSize ?? Number(image);
    if (patchGrid(imageSize, patchSize) === null)
      return `patches of ${patchSize} pixels do not divide images of ${imageSize}, whose last rows and columns timm leaves out`;
    return {
      facts: { ...series.sizes[size]!, patchSize, imageSize, ...usual, ...series.facts },
      ...(series.headless && { headless: true as const }),
      ...(series.unread === undefined
        ? { preprocessing: publishedPreparation(name, imageSize) }
        : { unread: series.unread }),
    };
  }
  return undefined;
}

function ofTorchvision(name: keyof typeof torchvision): NamedArchitecture {
  const { size, patchSize, resize } = torchvision[name];
  return {
    facts: { ...sizes[size], patchSize, imageSize: 224, ...usual },
    preprocessing: {
      ...{ resize, resizeMode: 'shortest', interpolation: 'bilinear' },
      ...imagenetStatistics,
    },
  };
}
