import { dirname } from 'node:path';
import type { DeviceManifest, DeviceModel } from '../deployment/device-manifest.ts';
import { deviceJsonSchema, deviceKind } from '../deployment/device-manifest.ts';
import { deviceFiles, openDevicePackage, type DevicePackage } from '../deployment/device-package.ts';
import { deviceReadme } from '../deployment/device-readme.ts';
import type { DeviceSelfTest, ModelOutputs } from '../deployment/device-self-test.ts';
import { onnxOutputs } from '../deployment/onnx-outputs.ts';
import { submodelOnnx } from '../graphs/files.ts';
import { loadOnnxRuntime, type OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { storedWeights } from '../graphs/weight-places.ts';
import { largestDifference } from '../library/reference-ffn.ts';
import { fail } from '../util/failure.ts';
import { findUnlisted, verifyDescriptions, verifyDocument, verifyFiles } from './files.ts';
import { tally, type Finding, type Note, type Tally, type Verified, type VerifyOptions } from './finding.ts';
import { onnxProblem } from './onnx-problem.ts';

export interface DeviceVerification extends Verified<DeviceManifest> {
  readonly kind: 'device';
}

/**
 * Everything about the package of a device that can be checked without data: schema and references; every file's place, size
 * and hash; the tensors that each architecture demands; that each graph is that architecture's and takes these weights; and
 * that engine and, where it is installed, ONNX Runtime give the recorded outputs. No graph is run that is not ours.
 *
 * @param path of its manifest.json, as `findPackage` gives it
 */
export async function verifyDevice(
  path: string,
  { signal, onProgress, engine = 'auto' }: VerifyOptions = {},
): Promise<DeviceVerification> {
  const folder = dirname(path);
  const findings: Finding[] = [];
  const { value: manifest, check } = await verifyDocument(path, deviceKind, findings);
  if (manifest === undefined) return { kind: 'device', folder, checks: [check], findings, notes: [] };
  const files = deviceFiles(manifest);
  const { checks, damaged } = await verifyFiles(folder, files, findings, {
    signal,
    onFile: (done, total, note) => onProgress?.({ fraction: (0.4 * done) / total, note }),
  });
  const opened = await openDevicePackage(path, { check: 'none' });
  const parts = {
    submodels: tally('submodels', findings, damaged),
    graphs: tally('graphs', findings, damaged),
    selfTest: tally('self-test', findings, damaged),
  };
  const { file } = manifest.selfTest;
  const test = await parts.selfTest.read(file.path, opened.pathOf(file), () => opened.readSelfTest());
  const runtime = await loadOnnxRuntime();
  const { loadEngine } = await import('../tensor/engine.ts');
  await loadEngine(engine);
  for (const [index, model] of manifest.models.entries()) {
    signal?.throwIfAborted();
    await verifySubmodel(opened, model, { test, runtime, damaged, ...parts });
    onProgress?.({ fraction: 0.4 + (0.6 * (index + 1)) / manifest.models.length, note: model.name });
  }
  const descriptions = {
    schemaFile: 'manifest.schema.json',
    schema: deviceJsonSchema,
    readme: () => deviceReadme(manifest),
  };
  const described = await verifyDescriptions(folder, manifest.tool.version, descriptions, check, findings);
  const notRun: Note[] =
    typeof runtime === 'string' ? [{ file: 'manifest.json', note: `graphs were not run: ${runtime}` }] : [];
  return {
    kind: 'device',
    folder,
    manifest,
    checks: [described.check, ...checks, ...Object.values(parts).map((part) => part.result())],
    findings,
    notes: [...described.notes, ...notRun, ...(await findUnlisted(opened, files))],
  };
}

interface Looking {
  readonly test: DeviceSelfTest | undefined;
  readonly runtime: OnnxRuntime | string;
  readonly damaged: ReadonlySet<string>;
  readonly submodels: Tally;
  readonly graphs: Tally;
  readonly selfTest: Tally;
}

async function verifySubmodel(
  opened: DevicePackage,
  { name, weights: file, onnx, architecture }: DeviceModel,
  { test, runtime, damaged, submodels, graphs, selfTest }: Looking,
): Promise<void> {
  const { onnx: format, tool, preprocessing } = opened.manifest;
  const path = opened.pathOf(file);
  const weights = await submodels.read(file.path, path, () => opened.readWeights(name));
  const graph = { isOurs: false };
  if (weights === undefined) graphs.skip();
  else
    await graphs.look(onnx.path, async () => {
      const places = await storedWeights(path, file.path);
      const own = () => submodelOnnx(architecture, places, tool.version);
      const wrong = await onnxProblem(opened.pathOf(onnx), onnx, { graph: own, ...format });
      graph.isOurs = wrong === undefined;
      return wrong;
    });
  const expected = test?.outputs.get(name);
  if (test === undefined || weights === undefined || expected === undefined) {
    selfTest.skip();
    return;
  }
  const { engineOutputs } = await import('../deployment/engine-outputs.ts');
  await selfTest.read(file.path, path, async () => {
    const found = await engineOutputs(weights, architecture, test.pixels, preprocessing);
    requireOutputs(path, 'the engine', found, expected, test.tolerance);
  });
  if (typeof runtime === 'string') return;
  if (!graph.isOurs || damaged.has(onnx.path)) {
    selfTest.skip();
    return;
  }
  const graphPath = opened.pathOf(onnx);
  await selfTest.read(onnx.path, graphPath, async () => {
    const found = await onnxOutputs(runtime, graphPath, test.pixels, preprocessing);
    requireOutputs(graphPath, 'ONNX Runtime', found, expected, test.tolerance);
  });
}

function requireOutputs(
  subject: string,
  who: string,
  found: ModelOutputs,
  expected: ModelOutputs,
  tolerance: number,
): void {
  for (const part of ['features', 'logits'] as const) {
    const difference = largestDifference(found[part], expected[part]);
    if (difference <= tolerance) continue;
    fail({
      reason: 'library-invalid',
      subject,
      found: `${part} of ${who} differ from the recorded ones by ${difference.toExponential(1)} (share of the largest)`,
      expected: `at most ${tolerance}`,
    });
  }
}
