import { dirname } from 'node:path';
import {
  coordinatorJsonSchema,
  coordinatorKind,
  type CoordinatorManifest,
} from '../deployment/coordinator-manifest.ts';
import { coordinatorFiles, openCoordinator } from '../deployment/coordinator.ts';
import { coordinatorReadme } from '../deployment/coordinator-readme.ts';
import { fusedRows, type CoordinatorSelfTest } from '../deployment/coordinator-self-test.ts';
import { largestDifference } from '../library/reference-ffn.ts';
import { fuse } from '../submodels/fusion/fuse.ts';
import type { FusionHead } from '../submodels/fusion/fusion-head.ts';
import { findUnlisted, verifyDescriptions, verifyDocument, verifyFiles } from './files.ts';
import { tally, type Finding, type Verified, type VerifyOptions } from './finding.ts';

export interface CoordinatorVerification extends Verified<CoordinatorManifest> {
  readonly kind: 'coordinator';
}

/**
 * Everything about a coordinator's package: schema and references; every file's place, size and hash; the fusion's tensors; and
 * that it gives the recorded logits, with all devices and with each one missing. Needs no engine.
 *
 * @param path of its manifest.json, as `findPackage` gives it
 */
export async function verifyCoordinator(
  path: string,
  { signal, onProgress }: VerifyOptions = {},
): Promise<CoordinatorVerification> {
  const folder = dirname(path);
  const findings: Finding[] = [];
  const { value: manifest, check } = await verifyDocument(path, coordinatorKind, findings);
  if (manifest === undefined) return { kind: 'coordinator', folder, checks: [check], findings, notes: [] };
  const files = coordinatorFiles(manifest);
  const { checks, damaged } = await verifyFiles(folder, files, findings, {
    signal,
    onFile: (done, total, note) => onProgress?.({ fraction: (0.5 * done) / total, note }),
  });
  const opened = await openCoordinator(path, { check: 'none' });
  const fusion = tally('fusion', findings, damaged);
  const selfTest = tally('self-test', findings, damaged);
  const [fusionFile, testFile] = [manifest.fusion.file, manifest.selfTest.file];
  const head = await fusion.read(fusionFile.path, opened.pathOf(fusionFile), () => opened.readFusion());
  const test = await selfTest.read(testFile.path, opened.pathOf(testFile), () => opened.readSelfTest());
  if (head === undefined || test === undefined) selfTest.skip();
  else {
    const cases = [[undefined, test.logits] as const, ...test.without];
    for (const [missing, expected] of cases) {
      const which = missing === undefined ? 'logits' : `logits without ${missing}`;
      const difference = differenceOf(head, test, manifest, missing, expected);
      if (typeof difference === 'number' && difference <= test.tolerance) selfTest.pass();
      else
        selfTest.find({
          file: fusionFile.path,
          found:
            typeof difference === 'string'
              ? `${which} cannot be computed: ${difference}`
              : `${which} differ from the recorded ones by ${difference.toExponential(1)} (share of the largest)`,
          expected: `at most ${test.tolerance}`,
        });
    }
  }
  const descriptions = {
    schemaFile: 'manifest.schema.json',
    schema: coordinatorJsonSchema,
    readme: () => coordinatorReadme(manifest),
  };
  const described = await verifyDescriptions(folder, manifest.tool.version, descriptions, check, findings);
  onProgress?.({ fraction: 1, note: 'fusion' });
  return {
    kind: 'coordinator',
    folder,
    manifest,
    checks: [described.check, ...checks, fusion.result(), selfTest.result()],
    findings,
    notes: [...described.notes, ...(await findUnlisted(opened, files))],
  };
}

/** Or why a fusion of hostile numbers gives nothing to compare. */
function differenceOf(
  head: FusionHead,
  test: CoordinatorSelfTest,
  manifest: CoordinatorManifest,
  missing: string | undefined,
  expected: Float32Array,
): number | string {
  try {
    const found = fusedRows((vectors) => fuse(head, vectors), test.features, manifest, missing);
    return largestDifference(found, expected);
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}
