import { join } from 'node:path';
import { fail } from '../util/failure.ts';
import { sha256File } from '../util/hash.ts';
import { modelKind, type MeasuredModel } from '../compose/model-manifest.ts';
import { compositionFile, type Model } from '../compose/open-model.ts';
import { ownerProblems } from './model.ts';
import { openLibrary, type Library } from '../library/open.ts';
import { remeasure, type RemeasureOptions } from '../library/remeasure.ts';
import type { MeasureSource } from '../library/images.ts';
import { compareScores, type MeasuredVerification } from './numbers.ts';

/**
 * The library that a model lies in (`LIBRARY/models/NAME`): the teacher that its scores are paired against, and the hash of
 * the images, are only there. Its weights are the model's, by their hashes, but for blocks that were refitted.
 * @throws BlockForgeError `usage` where there is none, or another than the model was made from, or no scores are recorded
 */
export async function libraryOfModel(model: Model): Promise<Library> {
  recordedScores(model);
  const { folder, manifest } = model;
  const path = join(folder, '..', '..', 'manifest.json');
  const sha256 = await sha256File(path).catch(() => undefined);
  if (sha256 === manifest.library.manifestSha256) {
    const library = await openLibrary(path);
    const [problem] = ownerProblems(library, manifest);
    if (problem === undefined) return library;
    const { file, ...rest } = problem;
    return fail({ reason: 'library-invalid', subject: join(folder, file), ...rest, next: modelKind.next });
  }
  return fail({
    reason: 'usage',
    subject: folder,
    found: 'not in the library that it was made from, without which it cannot be compared with the teacher',
    expected: 'LIBRARY/models/NAME',
    next: 'leave out --measure, or copy the folder into models/ of its library',
  });
}

/**
 * Measures a model's recorded scores again, with the library's weights and those that are its own: see `libraryOfModel`.
 * @throws BlockForgeError `usage` where no scores are recorded; as `remeasure`
 */
export async function verifyMeasuredModel(
  model: Model,
  library: Library,
  source: MeasureSource,
  options: RemeasureOptions = {},
): Promise<MeasuredVerification> {
  const { descendants } = model.manifest;
  const scores = recordedScores(model);
  const own = await Promise.all(
    (model.manifest.refitted?.descendants ?? []).map(
      async (id) => [id, await model.readFfn(library.blockOf(id))] as const,
    ),
  );
  const { models, engine, split, images } = await remeasure(library, source, [descendants], {
    ...options,
    replaced: new Map(own),
  });
  const found = models[0]!;
  const name = 'the model';
  return {
    engine: engine.description,
    recordedSplit: scores.split,
    recordedEngine: 'an engine that is not recorded',
    split,
    images,
    ...(library.manifest.teacher.measure && { measure: library.manifest.teacher.measure.kind }),
    numbers: compareScores(
      { name, descendants, scores },
      found.measured,
      found.scores,
      library.manifest.confidence,
    ),
    notes: [],
  };
}

function recordedScores({ folder, manifest }: Model): MeasuredModel {
  return (
    manifest.measured ??
    fail({
      reason: 'usage',
      subject: join(folder, compositionFile),
      found: 'no "measured" in it: the model was written without being measured',
      next: 'leave out --measure, or compose it again with --config FILE',
    })
  );
}
