import type { CoordinatorManifest } from '../deployment/coordinator-manifest.ts';
import type { DeploymentDevice, DeploymentManifest } from '../deployment/deployment-manifest.ts';
import type { DeviceManifest } from '../deployment/device-manifest.ts';
import { showValue } from '../util/foreign-value.ts';
import { canonicalJson, type Json } from '../util/hash.ts';
import type { Wrong } from './finding.ts';

/** Two statements that must be the same one, by what they are about. */
type Statement = readonly [what: string, found: unknown, expected: unknown];

function firstDifference(statements: readonly Statement[], who: string): Wrong | undefined {
  const wrong = statements.find(
    ([, found, expected]) => canonicalJson(found as Json) !== canonicalJson(expected as Json),
  );
  if (wrong === undefined) return undefined;
  const [what, found, expected] = wrong;
  return { found: `${what} ${showValue(found)}`, expected: `${showValue(expected)}, as ${who} says` };
}

/** What a device's package says against what the deployment and its coordinator say of it. */
export function deviceLinkProblem(
  device: DeviceManifest,
  entry: DeploymentDevice,
  { name, classNames, provenance }: DeploymentManifest,
  coordinator: CoordinatorManifest | undefined,
): Wrong | undefined {
  const sum = (key: 'params' | 'sizeBytes' | 'macs') =>
    device.models.reduce((total, model) => total + model[key], 0);
  const own = firstDifference(
    [
      ['deployment', device.deployment, name],
      ['device', device.device, entry.name],
      ['models', device.models.map((model) => model.name), entry.models],
      ['params', sum('params'), entry.params],
      ['sizeBytes', sum('sizeBytes'), entry.sizeBytes],
      ['macs', sum('macs'), entry.macs],
      ['provenance', device.provenance, provenance],
      ...device.models.map((model): Statement => {
        const names = classNames && model.classes.map((index) => classNames[index] ?? null);
        return [`class names of ${model.name}`, model.classNames, names];
      }),
    ],
    'deployment.json',
  );
  if (own !== undefined || coordinator === undefined) return own;
  const facts = (model: CoordinatorManifest['models'][number] | DeviceManifest['models'][number]) => {
    const { name: model_, classes, other, featureWidth } = model;
    return { name: model_, classes, other, featureWidth };
  };
  const known = coordinator.models.filter((model) => model.device === entry.name).map(facts);
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  return firstDifference(
    [
      ['models', device.models.map(facts).sort(byName), known.sort(byName)],
      ['preprocessing', device.preprocessing, coordinator.preprocessing],
    ],
    'the coordinator',
  );
}

/** What the coordinator's package says against what the deployment says. */
export function coordinatorLinkProblem(
  coordinator: CoordinatorManifest,
  { name, classes, classNames, devices, provenance }: DeploymentManifest,
): Wrong | undefined {
  const statements: Statement[] = [
    ['deployment', coordinator.deployment, name],
    ['classes', coordinator.classes, classes],
    ['class names', coordinator.classNames, classNames],
    [
      'devices',
      coordinator.devices,
      devices.map(({ name: device, manifestSha256 }) => ({ name: device, manifestSha256 })),
    ],
    ['provenance', coordinator.provenance, provenance],
  ];
  return firstDifference(statements, 'deployment.json');
}
