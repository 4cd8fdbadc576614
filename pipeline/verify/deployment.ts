import { dirname, join } from 'node:path';
import { stat } from 'node:fs/promises';
import type { CoordinatorManifest } from '../deployment/coordinator-manifest.ts';
import {
  coordinatorFolder,
  deploymentJsonSchema,
  deploymentKind,
  deviceFolder,
  type DeploymentManifest,
} from '../deployment/deployment-manifest.ts';
import { deploymentReadme } from '../deployment/deployment-readme.ts';
import type { DeviceManifest } from '../deployment/device-manifest.ts';
import { sha256File } from '../util/hash.ts';
import { verifyCoordinator } from './coordinator.ts';
import { coordinatorLinkProblem, deviceLinkProblem } from './deployment-links.ts';
import { verifyDevice } from './device.ts';
import { unlistedNotes, verifyDescriptions, verifyDocument } from './files.ts';
import {
  checkNames,
  tally,
  type Check,
  type Finding,
  type Note,
  type Tally,
  type Verified,
  type VerifyOptions,
  type Wrong,
} from './finding.ts';

export interface DeploymentVerification extends Verified<DeploymentManifest> {
  readonly kind: 'deployment';
}

/**
 * A whole deployment: `deployment.json`, every package below it as `verifyDevice` and `verifyCoordinator` do, and that these
 * are the packages of this deployment and say the same of each other.
 *
 * @param path of its deployment.json, as `findPackage` gives it
 */
export async function verifyDeployment(
  path: string,
  { signal, onProgress, engine }: VerifyOptions = {},
): Promise<DeploymentVerification> {
  const folder = dirname(path);
  const findings: Finding[] = [];
  const { value: manifest, check } = await verifyDocument(path, deploymentKind, findings);
  if (manifest === undefined) return { kind: 'deployment', folder, checks: [check], findings, notes: [] };
  const links = tally('links', findings);
  const all: Gathered = { folder, checks: [], findings, notes: [], links };
  const parts = manifest.devices.length + 1;
  const options = (place: number, below: string): VerifyOptions => ({
    signal,
    engine,
    onProgress: ({ fraction, note }) =>
      onProgress?.({ fraction: (place + fraction) / parts, note: `${below}: ${note}` }),
  });
  const coordinator = await gather<CoordinatorManifest>(all, coordinatorFolder, {
    sha256: manifest.coordinator.manifestSha256,
    verify: (file) => verifyCoordinator(file, options(0, coordinatorFolder)),
    problem: (own) => coordinatorLinkProblem(own, manifest),
  });
  for (const [index, entry] of manifest.devices.entries()) {
    signal?.throwIfAborted();
    const below = deviceFolder(entry.name);
    await gather<DeviceManifest>(all, below, {
      sha256: entry.manifestSha256,
      verify: (file) => verifyDevice(file, options(index + 1, below)),
      problem: (own) => deviceLinkProblem(own, entry, manifest, coordinator),
    });
  }
  const descriptions = {
    schemaFile: 'deployment.schema.json',
    schema: deploymentJsonSchema,
    readme: () => deploymentReadme(manifest),
  };
  const described = await verifyDescriptions(folder, manifest.tool.version, descriptions, check, findings);
  const unlisted = await unlistedNotes(
    folder,
    new Set(['deployment.json', 'deployment.schema.json', 'README.md']),
    { leaveOut: [coordinatorFolder, ...manifest.devices.map(({ name }) => deviceFolder(name))] },
  );
  return {
    kind: 'deployment',
    folder,
    manifest,
    checks: summed([described.check, ...all.checks, links.result()]),
    findings,
    notes: [...described.notes, ...all.notes, ...unlisted],
  };
}

interface Gathered {
  readonly folder: string;
  readonly checks: Check[];
  readonly findings: Finding[];
  readonly notes: Note[];
  readonly links: Tally;
}

/** Verifies one package below a deployment and adds what was found. @returns its manifest where it can be trusted */
async function gather<M>(
  { folder, checks, findings, notes, links }: Gathered,
  below: string,
  {
    sha256,
    verify,
    problem,
  }: {
    readonly sha256: string;
    readonly verify: (manifestPath: string) => Promise<Verified<M>>;
    readonly problem: (manifest: M) => Wrong | undefined;
  },
): Promise<M | undefined> {
  const file = `${below}/manifest.json`;
  const path = join(folder, file);
  if (!(await stat(path).catch(() => undefined))?.isFile()) {
    links.find({ file, found: 'no such file', expected: 'the package that the deployment names' });
    return undefined;
  }
  const verified = await verify(path);
  checks.push(...verified.checks);
  findings.push(...verified.findings.map((item) => ({ ...item, file: `${below}/${item.file}` })));
  notes.push(...verified.notes.map((item) => ({ ...item, file: `${below}/${item.file}` })));
  const { manifest } = verified;
  if (manifest === undefined) {
    links.skip();
    return undefined;
  }
  const found = await sha256File(path);
  const wrong =
    problem(manifest) ??
    (found === sha256
      ? undefined
      : { found: `sha256 ${found}`, expected: `${sha256}, as deployment.json says` });
  if (wrong === undefined) links.pass();
  else links.find({ file, ...wrong });
  return manifest;
}

/** Checks of one name as one, in the order of `checkNames`. */
function summed(checks: readonly Check[]): Check[] {
  return checkNames.flatMap((name) => {
    const own = checks.filter((check) => check.name === name);
    if (own.length === 0) return [];
    const sum = (key: 'passed' | 'of' | 'skipped') => own.reduce((total, check) => total + check[key], 0);
    return [{ name, passed: sum('passed'), of: sum('of'), skipped: sum('skipped') }];
  });
}
