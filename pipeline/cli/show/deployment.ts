import { dirname } from 'node:path';
import type { DeploymentManifest } from '../../deployment/deployment-manifest.ts';
import { openDeployment } from '../../deployment/deployment.ts';
import type { PackageKind } from '../../deployment/open-package.ts';
import { fail } from '../../util/failure.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { renderTable, type Column } from '../../terminal/table.ts';
import type { Paint } from '../../terminal/terminal.ts';

/** What a deployment says about itself, small enough to print: the JSON form of `show --json`. */
export type DeploymentSummary = Pick<
  DeploymentManifest,
  'name' | 'classes' | 'devices' | 'measured' | 'provenance'
>;

/**
 * Reads deployment.json; the packages are not looked at. Loads no engine.
 * @throws BlockForgeError `usage` for one package alone, `library-invalid`
 */
export async function readDeploymentSummary({
  kind,
  manifestPath,
}: {
  readonly kind: PackageKind;
  readonly manifestPath: string;
}): Promise<DeploymentSummary> {
  if (kind !== 'deployment') {
    fail({
      reason: 'usage',
      subject: dirname(manifestPath),
      found: `the package of one ${kind}, whose README.md has its table`,
      expected: 'a library, a run folder or a whole deployment',
    });
  }
  const { manifest } = await openDeployment(manifestPath, { check: 'none' });
  const { name, classes, devices, measured, provenance } = manifest;
  return { name, classes, devices, ...(measured && { measured }), provenance };
}

const columns: readonly Column[] = [
  { title: 'device' },
  { title: 'sub-models', least: 12 },
  { title: 'params', align: 'right' },
  { title: 'of the teacher', align: 'right' },
  { title: 'weights', align: 'right', dispensable: 1 },
  { title: 'MACs', align: 'right' },
  { title: 'of the teacher', align: 'right' },
];

/** One row a device, beside the whole teacher. */
export function renderDeployment(
  { name, classes, devices, provenance }: DeploymentSummary,
  paint: Paint,
  width = Infinity,
): string {
  const { teacher, engine, seed } = provenance;
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  return [
    paint.bold(`${name}: ${classes} classes on ${devices.length} device${devices.length === 1 ? '' : 's'}`),
    `${engine.version} on ${engine.device}; seed ${seed}`,
    '',
    ...renderTable(
      columns,
      [
        [
          'teacher',
          '',
          formatCount(teacher.params),
          '',
          formatBytes(4 * teacher.params),
          formatCount(teacher.macs),
          '',
        ],
        ...devices.map(({ name: device, models, params, sizeBytes, macs }) => [
          device,
          models.join(', '),
          formatCount(params),
          share(params, teacher.params),
          formatBytes(sizeBytes),
          formatCount(macs),
          share(macs, teacher.macs),
        ]),
      ],
      { columns: width },
    ),
  ].join('\n');
}
