import type { MeasuredVerification } from '../../verify/numbers.ts';
import type { VerifyCommand } from './arguments.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { findModel, openModel } from '../../compose/open-model.ts';
import { verifyLibrary, type Verification } from '../../verify/library.ts';
import { verifyModel, type ModelVerification } from '../../verify/model.ts';
import { verifyPackage, type PackageVerification } from '../../verify/package.ts';
import { findPackage } from '../../deployment/open-package.ts';
import type { VerifyOptions } from '../../verify/finding.ts';
import { exitCodeOf, fail } from '../../util/failure.ts';
import { progressLines } from '../../terminal/progress-lines.ts';
import { renderMeasured, renderVerification } from './render.ts';

interface VerifyProgress {
  readonly fraction: number;
  readonly note?: string;
}

/** Verifies a library or a model folder, with `measure` its numbers too. @returns the exit code: 0 where all holds */
export async function runVerify(command: VerifyCommand, around: Surroundings): Promise<number> {
  const { stdout, stderr } = around;
  const tell = progressLines<VerifyProgress>(({ fraction, note }) => {
    if (command.json) return;
    stderr.write(`${Math.floor(100 * fraction)} %${note === undefined ? '' : ` ${note}`}\n`);
  });
  const verification = await verifyWhatIsThere(command, { signal: around.unheard, onProgress: tell });
  const whole = verification.findings.length === 0;
  if (!command.json) stdout.write(`${renderVerification(verification, stdout.paint)}\n`);
  let measured: MeasuredVerification | undefined;
  // The numbers of damaged weights would say nothing.
  if (command.measure && whole && isMeasurable(verification)) {
    measured = await measureAgain(command, verification, around, tell);
    if (!command.json) stdout.write(`\n${renderMeasured(measured, stdout.paint)}\n`);
  }
  const holds = measured === undefined || measured.numbers.every(({ verdict }) => verdict !== 'differs');
  if (command.json) {
    const { manifest, ...rest } = verification;
    const facts = { ok: whole && holds, manifestReadable: manifest !== undefined, ...rest };
    stdout.write(`${JSON.stringify({ ...facts, measured }, null, 2)}\n`);
  }
  if (!whole) return exitCodeOf('library-invalid');
  return holds ? 0 : exitCodeOf('gate-failed');
}

async function verifyWhatIsThere(
  { library: path, measure }: VerifyCommand,
  options: VerifyOptions,
): Promise<Verification | ModelVerification | PackageVerification> {
  const found = await findPackage(path);
  if (found !== undefined && measure) {
    fail({
      reason: 'usage',
      subject: '--measure',
      found: `given with a ${found.kind} of a deployment, whose numbers are those of its run`,
      expected: 'a library or a model folder',
      next: `leave it out, or read report.md of the run`,
    });
  }
  if (found !== undefined) return verifyPackage(found, options);
  const model = await findModel(path);
  return model === undefined ? verifyLibrary(path, options) : verifyModel(model, options);
}

function isMeasurable(
  verification: Verification | ModelVerification | PackageVerification,
): verification is Verification | ModelVerification {
  return verification.kind === 'library' || verification.kind === 'model';
}

async function measureAgain(
  { library: path, config, split, engine }: VerifyCommand,
  { kind, folder }: Verification | ModelVerification,
  { unheard, stderr, cwd }: Surroundings,
  onProgress: (progress: VerifyProgress) => void,
): Promise<MeasuredVerification> {
  const [{ openLibrary }, { findSource }, { verifyMeasured }, { libraryOfModel, verifyMeasuredModel }] =
    await Promise.all([
      import('../../library/open.ts'),
      import('../../stages/run-records.ts'),
      import('../../verify/numbers.ts'),
      import('../../verify/measured-model.ts'),
    ]);
  // All of it has just been read.
  const check = { check: 'sizes' } as const;
  const model = kind === 'model' ? await openModel(folder, check) : undefined;
  const library = model === undefined ? await openLibrary(path, check) : await libraryOfModel(model);
  const source =
    (await findSource(library, config, cwd)) ??
    fail({
      reason: 'usage',
      subject: library.folder,
      found: 'not in the run folder that made it, so where its images are is not known',
      expected: 'runs/<name>/library, or a config',
      next: '--config FILE, the config that made the library',
    });
  const warn = (message: string) => stderr.write(`${message}\n`);
  const options = { split, engine, signal: unheard, warn, onProgress };
  const measured = await (model === undefined
    ? verifyMeasured(library, source, options)
    : verifyMeasuredModel(model, library, source, options));
  const { mayBeTrainedOn } = library.manifest.data[measured.split];
  return { ...measured, ...(mayBeTrainedOn && { mayBeTrainedOn }) };
}
