import { join } from 'node:path';
import type { Example } from '../../../report/examples-file.ts';
import type { GalleryPart, Section } from '../../../report/page.ts';
import { BlockForgeError } from '../../../util/failure.ts';
import { readPlainFile } from '../../../util/plain-file.ts';
import { reportJob } from '../artefacts.ts';
import { classNamer } from './class-names.ts';
import type { Told } from './told.ts';
import { countText } from './words.ts';

/** Images that the small model and the teacher answer differently. Undefined where none were kept. */
export async function examplesSection({ run, models, names }: Told): Promise<Section | undefined> {
  const { examples, folder } = run;
  const model = models.find(({ id }) => id === examples?.model);
  if (examples === undefined || model === undefined || run.test === undefined) return undefined;
  const { lost, gained } = examples;
  const nameOf = classNamer(run.library.manifest);
  const gallery = async (caption: string, shown: readonly Example[]): Promise<GalleryPart[]> =>
    shown.length === 0
      ? []
      : [
          {
            kind: 'gallery',
            caption,
            images: await Promise.all(shown.map((example) => pictured(folder, example, nameOf))),
          },
        ];
  const images = countText(run.test.images);
  return {
    id: 'examples',
    title: 'Where the small model and the teacher differ',
    lead:
      `Of ${images} test images, ${model.label} has ${countText(lost.images)} wrong that the teacher has right, and ${countText(gained.images)} right that the teacher has wrong (${names.top1}). ` +
      'Shown are those whose true class lost or gained most probability: the extremes, not the average.',
    parts: [
      ...(await gallery(`Lost: the teacher is right, the small model wrong (${shownOf(lost)})`, lost.shown)),
      ...(await gallery(
        `Gained: the small model is right, the teacher wrong (${shownOf(gained)})`,
        gained.shown,
      )),
      ...(lost.shown.length + gained.shown.length === 0 && lost.images + gained.images > 0
        ? [
            {
              kind: 'text' as const,
              text: 'The config keeps images of the data out of the report (report.examples: 0).',
            },
          ]
        : []),
    ],
  };
}

const shownOf = ({ images, shown }: { readonly images: number; readonly shown: readonly unknown[] }) =>
  shown.length === images ? `all ${countText(images)}` : `${shown.length} of ${countText(images)}`;

/** Of a small picture; what is larger is not one of ours. */
const mostBytes = 200_000;

async function pictured(
  folder: string,
  { file, label, teacher, model }: Example,
  nameOf: (place: number) => string,
): Promise<GalleryPart['images'][number]> {
  const content = await readPlainFile(join(folder, reportJob, file), mostBytes).catch((error: unknown) => {
    // Missing or foreign: its lines are told all the same.
    if (error instanceof BlockForgeError || (error as NodeJS.ErrnoException).code !== undefined)
      return undefined;
    throw error;
  });
  const said = (who: string, answer: Example['teacher']) =>
    `${who}: ${nameOf(answer.class)} ${percent(answer.probability)}` +
    (answer.class === label ? '' : ` (its class: ${percent(answer.labelProbability)})`);
  const lines = [nameOf(label), said('teacher', teacher), said('small', model)];
  return {
    source:
      content !== undefined && isWebp(content) ? `data:image/webp;base64,${content.toString('base64')}` : '',
    alternative: `An image of ${lines.join('; ')}`,
    lines,
  };
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

const isWebp = (content: Buffer) =>
  content.toString('latin1', 0, 4) === 'RIFF' && content.toString('latin1', 8, 12) === 'WEBP';
