import { spaceData } from '../compose/space-data.ts';
import type { Library } from '../library/open.ts';
import { finalUniformId } from '../measure/measured.ts';
import type { ModelScores } from '../library/manifest-parts.ts';
import type { DemoDocument, DemoModel } from './demo-document.ts';

/** What the page says and needs of a library, all but its images. */
export function describeDemo(library: Library, title: string): DemoDocument {
  const { manifest, manifestSha256 } = library;
  const { teacher, blocks, engine, seed, data, frame } = manifest;
  const { mayBeTrainedOn } = data.selection;
  const many = data.selection.images.toLocaleString('en');
  return {
    kind: 'blockforge-demo',
    manifestSha256,
    title,
    architecture: teacher.architecture,
    preprocessing: teacher.preprocessing,
    classNames: teacher.classNames,
    teacherMacs: teacher.macs,
    frame,
    blocks: blocks.map(({ name, hidden, descendants }) => ({
      name,
      hidden,
      descendants: descendants.map(({ id, width, file }) => ({ id, width, file })),
    })),
    space: spaceData(manifest),
    measuredOn:
      `${many} images of the selection split, ${engine.version} on ${engine.device}, seed ${seed}` +
      (mayBeTrainedOn ? '; the teacher may have been trained on these images, which flatters it' : ''),
    models: measuredModels(library),
    images: null,
  };
}

/** The teacher, uniform models, allocated ones, and the teacher with one block exchanged. */
function measuredModels({ manifest }: Library): DemoModel[] {
  const { teacher, blocks, uniform, allocated = [] } = manifest;
  const own = blocks.map(({ descendants }) => descendants[0]!.id);
  const scored = (id: string, label: string, ids: readonly string[], scores: ModelScores): DemoModel => ({
    ...{ id, label, descendants: ids, images: scores.images },
    agreementPercent: scores.agreementPercent,
    top1Percent: scores.top1Percent.mean,
  });
  const percent = (sparsity: number) =>
    `${Number((100 * sparsity).toFixed(1))} % of the hidden units removed`;
  return [
    {
      ...{ id: 'teacher', label: 'the teacher', descendants: own, images: teacher.accuracy.images },
      agreementPercent: 100,
      top1Percent: teacher.accuracy.top1Percent.mean,
    },
    ...uniform.map(({ sparsity, descendants, refit, distilled }) =>
      scored(
        finalUniformId(sparsity, distilled !== null),
        `${percent(sparsity)}, everywhere the same`,
        descendants,
        distilled ?? refit,
      ),
    ),
    ...allocated.map(({ sparsity, descendants, scores }, index) =>
      scored(`allocated-${index}`, `${percent(sparsity)}, widths allocated`, descendants, scores),
    ),
    ...blocks.flatMap(({ name, descendants }, block) =>
      descendants.slice(1).map(({ id, width, deltas }): DemoModel => ({
        ...{ id, label: `${name} at ${width}, the others the teacher's` },
        descendants: own.map((first, index) => (index === block ? id : first)),
        images: deltas.teacher.images,
        agreementPercent: deltas.teacher.agreementPercent,
      })),
    ),
  ];
}
