import assert from 'node:assert/strict';
import type { RankingFile } from '../../../../pipeline/stages/blocks/artefacts.ts';
import { describeReport, type ReportedRun } from '../../../../pipeline/stages/blocks/work/report-text.ts';

describe('the text of a report', () => {
  const top1Percent = { mean: 70, low: 60, high: 80 };
  const teacher = { top1Percent, images: 100 };
  const textOf = (selection: object, test: object) => {
    const run = {
      ...{ name: 'run', engine: 'any', seed: 1, confidence: 0.95 },
      manifest: { data: { selection, test } },
    } as unknown as ReportedRun;
    const ranking = { teacher, uniform: [], allocated: [], additivity: null } as unknown as RankingFile;
    return describeReport(run, ranking, { images: 0, manifestSha256: '' }, []);
  };

  it('warns above every table of images that the teacher may have been trained on, and of no others', () => {
    const warnings = (text: string) =>
      [...text.matchAll(/## (\w+) split.*\n\n\*\*Warning: .*trained on/g)].map(([, split]) => split);
    const flagged = { mayBeTrainedOn: true };
    assert.deepEqual(warnings(textOf({}, {})), []);
    assert.deepEqual(warnings(textOf(flagged, {})), ['Selection']);
    assert.deepEqual(warnings(textOf(flagged, flagged)), ['Selection', 'Test']);
  });
});
