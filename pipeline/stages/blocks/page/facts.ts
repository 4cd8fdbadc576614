import { z } from 'zod';
import { fittedHeadText } from '../../../library/fitted-head.ts';
import type { Manifest } from '../../../library/manifest.ts';
import { familyOf, imageSizeText, isClassifier, type Architecture } from '../../../model/architecture.ts';
import type { Fact } from '../../../report/page.ts';
import { countText, removedText } from './words.ts';

/**
 * What was run, as far as the library says.
 * @param hasSplits whether the images of each split are told elsewhere, so that here only says where they are from
 */
export function blocksFacts(manifest: Manifest, hasSplits = false): Fact[] {
  const { teacher, data, engine, seed, fitted } = manifest;
  const { architecture: model } = teacher;
  const config = told.parse(manifest.config);
  const images = (['calibration', 'selection', 'test'] as const).flatMap((name) => {
    const { images: count, from } = data[name];
    const origin = from === undefined || from === 'all' ? undefined : `from ${from}`;
    return hasSplits
      ? [origin && `${name} ${origin}`]
      : [`${countText(count)} ${name}${origin === undefined ? '' : ` (${origin})`}`];
  });
  const optional = (label: string, value: string | undefined): Fact[] =>
    value === undefined ? [] : [{ label, value }];
  return [
    {
      label: 'Teacher',
      value:
        `${familyOf(model).title}, ${sizesText(model)}, ${imageSizeText(model.imageSize)} px, ` +
        (isClassifier(model)
          ? `${countText(model.classes)}${teacher.subset === undefined ? '' : ` of ${countText(teacher.subset.of)}`} classes`
          : `features of ${countText(model.classes)} numbers, no classifier`),
    },
    ...optional('Head', teacher.fittedHead && fittedHeadText(teacher.fittedHead)),
    {
      label: 'Data',
      value: [config.data?.source, images.filter(Boolean).join(', ')].filter(Boolean).join(': '),
    },
    { label: 'Removed', value: manifest.uniform.map(({ sparsity }) => removedText(sparsity)).join(', ') },
    ...optional('Recipe', recipeText(config)),
    ...optional('Blocks fitted to', fitted && fittedText(fitted)),
    {
      label: 'Engine',
      value: `${engine.version} on ${engine.device === 'gpu' ? 'a GPU' : 'a CPU'}, ${engine.threads} thread${engine.threads === 1 ? '' : 's'}`,
    },
    { label: 'Seed', value: String(seed) },
  ];
}

function fittedText({ refit, distill }: NonNullable<Manifest['fitted']>): string {
  const steps = distill?.steps?.most;
  return `${countText(refit.training)} calibration images, without labels${steps === undefined ? '' : `; ${countText(steps)} steps of training`}`;
}

const word = z.string().optional().catch(undefined);
const part = <S extends z.ZodRawShape>(shape: S) => z.object(shape).optional().catch(undefined);

/** What is told of a config, which older versions may have written otherwise. */
const told = z.object({
  data: part({ source: word }),
  order: part({ criterion: word }),
  inputs: part({ from: word }),
  refit: part({ method: word }),
  distill: part({ enabled: z.boolean(), optimizer: word, loss: word }),
});

function recipeText({ order, inputs, refit, distill }: z.infer<typeof told>): string | undefined {
  const parts = [
    order?.criterion && `units ordered by ${order.criterion}`,
    inputs?.from && `fitted to ${inputs.from} inputs`,
    refit?.method && (refit.method === 'none' ? 'no refit' : `${refit.method} refit`),
    distill &&
      (distill.enabled
        ? `distilled (${[distill.optimizer, distill.loss].filter(Boolean).join(', ')})`
        : 'not distilled'),
  ].filter((text): text is string => typeof text === 'string' && text !== '');
  return parts.length === 0 ? undefined : parts.join(', ');
}

function sizesText({ depth, hidden, width, stages }: Architecture): string {
  if (stages === undefined) return `${depth} blocks of ${hidden} hidden units, width ${width}`;
  const each = (name: 'depth' | 'hidden' | 'width') => stages.map((stage) => stage[name]).join(', ');
  return `${stages.length} stages of ${each('depth')} blocks of ${each('hidden')} hidden units, widths ${each('width')}`;
}
