import type { ModelVerification } from '../../verify/model.ts';
import type { Verification } from '../../verify/library.ts';
import { coordinatorKind } from '../../deployment/coordinator-manifest.ts';
import { deploymentKind } from '../../deployment/deployment-manifest.ts';
import { deviceKind } from '../../deployment/device-manifest.ts';
import type { PackageVerification } from '../../verify/package.ts';
import { modelKind } from '../../compose/model-manifest.ts';
import { flatteredNote } from '../../library/manifest-parts.ts';
import { manifestKind } from '../../library/open.ts';
import type { CheckName } from '../../verify/finding.ts';
import { measureNames } from '../../measure/measure-names.ts';
import type { MeasuredVerification, NumberVerdict } from '../../verify/numbers.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { formatMetric, signed } from '../../terminal/numbers.ts';
import { renderTable, type Column } from '../../terminal/table.ts';
import { oneLine } from '../../util/printable.ts';
import type { Paint } from '../../terminal/terminal.ts';

const titles: Readonly<Record<CheckName, string>> = {
  manifest: 'manifest: schema and references',
  files: 'files: there, inside the folder, of their sizes',
  hashes: 'hashes: SHA-256 of every file',
  frame: 'frame: tensors, shapes, finite',
  weights: 'descendants: tensors, shapes, finite, their own ids',
  submodels: 'sub-models: tensors, shapes, finite',
  fusion: 'fusion: tensors, shapes, finite, of these models',
  index: 'index: every weight in its file',
  graphs: 'graphs: these weights from these files, nothing else',
  'self-test': 'self-test: recorded outputs met',
  'kept-units': 'kept units: distinct, in range',
  ranking: 'ranking: tables agree with the manifest',
  models: 'models: each whole, and of this very library',
  links: 'links: packages are those of this deployment, and agree',
};

type AnyVerification = Verification | ModelVerification | PackageVerification;

const kinds: Readonly<Record<AnyVerification['kind'], string>> = {
  library: 'Library',
  model: 'Model',
  deployment: 'Deployment',
  device: 'Device',
  coordinator: 'Coordinator',
};

const shownNotes = 20;

/** A tick for each check with its counts, then everything that is wrong, then what else is to know. */
export function renderVerification(verified: AnyVerification, paint: Paint): string {
  const { kind, folder, manifest, checks, findings, notes } = verified;
  const lines = [`${kinds[kind]} ${oneLine(folder)}${description(verified)}`, ''];
  const width = Math.max(...checks.map(({ name }) => titles[name].length));
  for (const { name, passed, of, skipped } of checks) {
    const whole = passed === of;
    const wrong = of - passed - skipped;
    const counts = `${passed} of ${of}`;
    const parts = [wrong > 0 ? `${wrong} wrong` : '', skipped > 0 ? `${skipped} not looked at` : ''];
    const rest = parts.filter((part) => part !== '').join(', ');
    // A file that is damaged was reported once: what could not be read because of it is no second finding.
    const tick = whole ? paint.green('ok ') : wrong > 0 ? paint.red('BAD') : paint.yellow('-  ');
    lines.push(`  ${tick} ${titles[name].padEnd(width)}  ${counts}${rest === '' ? '' : `: ${rest}`}`);
  }
  if (manifest === undefined)
    lines.push('', 'The manifest cannot be trusted, so nothing else was looked at.');
  lines.push('');
  for (const { file, found, expected } of findings) {
    lines.push(`${paint.red(oneLine(file))}: ${oneLine(found)}`);
    if (expected !== undefined) lines.push(`  expected: ${oneLine(expected)}`);
  }
  if (findings.length > 0) lines.push('');
  for (const { file, note } of notes.slice(0, shownNotes))
    lines.push(paint.dim(`note: ${oneLine(file)}: ${note}`));
  if (notes.length > shownNotes)
    lines.push(paint.dim(`note: and ${notes.length - shownNotes} more; --json has all`));
  if (notes.length > 0) lines.push('');
  lines.push(
    findings.length === 0
      ? paint.green(`The ${kind} is whole.`)
      : paint.red(`The ${kind} is damaged: ${findings.length} finding${findings.length === 1 ? '' : 's'}.`),
  );
  if (findings.length > 0) lines.push(`next: ${nextOf(verified)}`);
  return lines.join('\n');
}

const columns: readonly Column[] = [
  { title: 'model' },
  { title: 'number' },
  { title: 'recorded', align: 'right' },
  { title: 'interval' },
  { title: 'found', align: 'right' },
  { title: '' },
];

/** Every recorded number with the one measured again. */
export function renderMeasured(measured: MeasuredVerification, paint: Paint): string {
  const { engine, recordedEngine, recordedSplit = 'selection', split, images, numbers, notes } = measured;
  const names = measureNames(measured.measure);
  const titles: Partial<Record<NumberVerdict['what'], string>> = {
    'top-1 %': `${names.top1} %`,
    'top-5 %': `${names.top5} %`,
    KL: names.divergence,
  };
  const rows = numbers.map(({ model, what, recorded, found, interval, verdict }) => [
    model,
    titles[what] ?? what,
    shown(what, recorded),
    `[${shown(what, interval.low)}, ${shown(what, interval.high)}]`,
    shown(what, found),
    verdict,
  ]);
  const count = (verdict: NumberVerdict['verdict']) =>
    numbers.filter((number) => number.verdict === verdict).length;
  const differing = count('differs');
  return [
    `Measured again on ${images.toLocaleString('en-US')} images (${split}) with ${engine}; recorded on the ${recordedSplit} split with ${oneLine(recordedEngine)}`,
    ...(measured.mayBeTrainedOn ? [paint.yellow(flatteredNote)] : []),
    '',
    ...renderTable(columns, rows, {
      paintRow: (line, row) => (numbers[row]!.verdict === 'differs' ? paint.red(line) : line),
    }),
    '',
    ...notes.map((note) => paint.dim(`not measured again: ${note}`)),
    ...(notes.length > 0 ? [''] : []),
    differing === 0
      ? paint.green(
          `All ${numbers.length} numbers hold: ${count('same')} the same, ${count('holds')} within their intervals.`,
        )
      : paint.red(`${differing} of ${numbers.length} numbers do not hold.`),
  ].join('\n');
}

/** Where nothing but models is damaged, the library is not to be made again for it. */
function nextOf({ kind, findings }: AnyVerification): string {
  if (kind === 'model') return modelKind.next;
  if (kind === 'deployment') return deploymentKind.next;
  if (kind === 'device') return deviceKind.next;
  if (kind === 'coordinator') return coordinatorKind.next;
  const onlyModels = findings.every(({ check }) => check === 'models');
  return onlyModels ? 'compose these models again, or delete their folders' : manifestKind.next;
}

function description(verified: AnyVerification): string {
  switch (verified.kind) {
    case 'library':
      return describe(verified.manifest);
    case 'model':
      return describeModel(verified.manifest);
    case 'deployment':
      return describePackage(verified.manifest, verified.manifest?.devices ?? [], 'device');
    case 'device':
      return describePackage(verified.manifest, verified.manifest?.models ?? [], 'sub-model');
    case 'coordinator':
      return describePackage(verified.manifest, [], '');
  }
}

/** A deployment by its devices, a device by its sub-models. */
function describePackage(
  manifest: { readonly tool: { readonly version: string } } | undefined,
  parts: readonly { readonly params: number; readonly sizeBytes: number }[],
  part: string,
): string {
  if (manifest === undefined) return '';
  const made = `made by BlockForge ${oneLine(manifest.tool.version)}`;
  if (parts.length === 0) return `: ${made}`;
  const sum = (key: 'params' | 'sizeBytes') => parts.reduce((total, item) => total + item[key], 0);
  const count = `${parts.length} ${part}${parts.length === 1 ? '' : 's'}`;
  return `: ${count}, ${formatCount(sum('params'))} parameters, ${formatBytes(sum('sizeBytes'))}; ${made}`;
}

function describe(manifest: Verification['manifest']): string {
  if (manifest === undefined) return '';
  const { blocks, frame, tool } = manifest;
  const descendants = blocks.flatMap((block) => block.descendants);
  const bytes = descendants.reduce((sum, { file }) => sum + file.sizeBytes, frame.sizeBytes);
  return (
    `: ${blocks.length} blocks, ${descendants.length} descendants, ${formatBytes(bytes)}; ` +
    `made by BlockForge ${oneLine(tool.version)}`
  );
}

function describeModel(manifest: ModelVerification['manifest']): string {
  if (manifest === undefined) return '';
  const { widths, params, sizeBytes, tool } = manifest;
  return (
    `: ${widths.length} blocks, ${formatCount(params)} parameters, ${formatBytes(sizeBytes)}; ` +
    `made by BlockForge ${oneLine(tool.version)}`
  );
}

function shown(what: NumberVerdict['what'], value: number): string {
  if (what === 'KL') return formatMetric(value);
  return what.endsWith('pp') ? signed(value) : value.toFixed(2);
}
