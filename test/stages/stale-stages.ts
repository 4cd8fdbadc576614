import { splitNames } from '../../datasets/contract.ts';
import { resolvePreprocessing } from '../../datasets/preprocessing.ts';
import { createPreparer } from '../../datasets/prepare.ts';
import { makeSplits } from '../../datasets/splits.ts';
import type { Config } from '../../pipeline/config/schema.ts';
import type { JobPlan, Stage } from '../../pipeline/runner/contract.ts';
import { commonFiles, splitFile, splitsJob } from '../../pipeline/stages/common/artefacts.ts';
import type { PlanInput } from '../../pipeline/stages/common/plan-input.ts';
import { memorySource, plain } from '../datasets/fakes.ts';
import { present } from '../support/present.ts';

/** By path, e.g. `{ 'data.source': 'shapes' }`. */
export type Settings = { readonly [key: string]: unknown };

/** Small splits, so that drawing them costs nothing. */
const small: Settings = {
  'data.splits.calibration': 40,
  'data.splits.selection': 30,
  'data.splits.test': 20,
  'data.maxCorruptShare': 0.2,
};

/**
 * Of a method, a function: the stages with a job that runs again when settings become others. A job that does writes other
 * contents, but for the data stage: which of its files change is found by drawing.
 */
export function staleStages<C extends Config>(
  stages: readonly Stage<PlanInput<C>>[],
  planned: (config: object) => PlanInput<C>,
): (before: Settings, after: Settings) => Promise<string> {
  const inputOf = (settings: Settings) => planned(nested({ ...small, ...settings }));
  const jobsOf = (settings: Settings): ReadonlyMap<string, JobPlan> => {
    const input = inputOf(settings);
    const preprocessing = resolvePreprocessing(input.loaded.config.data.preprocessing, {
      imageSize: 224,
      channels: 3,
      recommended: undefined,
    });
    const prepared = { ...input, inputs: { ...input.inputs, preprocessing } };
    return new Map(stages.flatMap((stage) => stage.plan(prepared)).map((job) => [job.id, job]));
  };
  // Most comparisons of a method begin with the same settings.
  const known = new Map<Settings, ReadonlyMap<string, JobPlan>>();
  return async (before, after) => {
    const was = known.get(before) ?? jobsOf(before);
    known.set(before, was);
    const is = jobsOf(after);
    const stale = new Set<string>();
    const same = (a: JobPlan | undefined, b: JobPlan) =>
      JSON.stringify([a?.settings, a?.needs, a?.wants, a?.files]) ===
      JSON.stringify([b.settings, b.needs, b.wants, b.files]);
    const drawn = same(was.get(splitsJob), present(is.get(splitsJob)))
      ? []
      : await changedSplits(inputOf(before).loaded.config, inputOf(after).loaded.config);
    const isOther = (job: JobPlan, id: string) => {
      const files = job.reads?.[id];
      if (!stale.has(id) || files?.length === 0) return false;
      return id !== splitsJob || files === undefined || files.some((file) => drawn.includes(file));
    };
    // Every stage plans behind those it reads from.
    for (const job of is.values()) {
      const reads = [...job.needs, ...(job.wants ?? [])];
      if (!same(was.get(job.id), job) || reads.some((id) => isOther(job, id))) stale.add(job.id);
    }
    return [...new Set([...stale].map((id) => id.split('/')[0]))].join(' ');
  };
}

/** The files of the data stage that differ, of images of three parts (`idx`: one) some of which cannot be used. */
async function changedSplits(before: Config, after: Config): Promise<string[]> {
  const draw = async ({ data, seed, teacher }: Config): Promise<Record<string, unknown>> => {
    const { splits, maxCorruptShare } = data;
    const needTrain = teacher.train !== undefined;
    const source = sourceOf(data);
    const preparer = createPreparer(source, plain);
    const made = await makeSplits(source, { splits, maxCorruptShare }, { seed, needTrain, preparer });
    return {
      [commonFiles.classes]: made.classes,
      [commonFiles.sources]: made.sources,
      [commonFiles.skipped]: made.skipped,
      ...Object.fromEntries(splitNames.map((name) => [splitFile(name), made.items[name]])),
    };
  };
  const [was, is] = [await draw(before), await draw(after)];
  return Object.keys(is).filter((file) => JSON.stringify(was[file]) !== JSON.stringify(is[file]));
}

const sourceOf = ({ source, shapes, products }: Config['data']) =>
  memorySource(
    (['train', 'val', 'test'] as const).flatMap((origin, part) =>
      Array.from({ length: 100 }, (_, i) => ({
        id: `${origin}/${i}`,
        label: i % 10,
        origin: source === 'idx' ? 'all' : origin,
        content:
          i === 7
            ? `broken ${part}`
            : i +
              1e3 * part +
              1e4 * (source === 'products' ? products : shapes).images +
              (source === 'folder' ? 500 : 0),
      })),
    ),
  );

/** `{ 'a.b': 1 }` -> `{ a: { b: 1 } }` */
function nested(settings: Settings): object {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    const keys = path.split('.');
    let inside = root;
    for (const key of keys.slice(0, -1)) inside = (inside[key] ??= {}) as Record<string, unknown>;
    inside[present(keys.at(-1))] = value;
  }
  return root;
}
