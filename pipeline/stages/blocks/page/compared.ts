import { teachersWeights, type ComparedModel, type ComparedRun } from '../../../report/compared-run.ts';
import { blocksFacts } from './facts.ts';
import { readBlocksRun } from './read-run.ts';
import { tell } from './told.ts';

/** The whole models of a run, on the test split where it has one. */
export async function comparedBlocks(runFolder: string): Promise<ComparedRun | undefined> {
  const run = await readBlocksRun(runFolder);
  if (run === undefined) return undefined;
  const { manifest } = run.library;
  const { final, models, confidence } = tell(run);
  const compared = models.flatMap((model): ComparedModel[] => {
    const measured = final.of(model);
    if (measured === undefined) return [];
    const { id, label, kind, params, macs, sizeBytes, latencyMs } = model;
    return [{ id, label, kind, params, macs, sizeBytes, latencyMs, top1Percent: measured.top1Percent }];
  });
  if (compared.length < 2) return undefined;
  const { sha256 } = manifest.data[final.name];
  return {
    name: run.name,
    method: 'blocks',
    // Teachers of one shape may be trained differently.
    facts: [...blocksFacts(manifest), teachersWeights(manifest.teacher.sha256)],
    measure: manifest.teacher.measure?.kind,
    images: final.images,
    split: { name: final.name, sha256: sha256 as ComparedRun['split']['sha256'] },
    confidence,
    models: compared,
    answers: final.name === 'test' && run.answers?.split === sha256 ? run.answers : undefined,
  };
}
