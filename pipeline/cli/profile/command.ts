import { availableParallelism } from 'node:os';
import type { ProfileCommand, Measure } from './arguments.ts';
import { findPackage, type PackageKind } from '../../deployment/open-package.ts';
import { openLibrary, type Library } from '../../library/open.ts';
import { defaults, measureOnnx, type Options } from '../../profile/measure-onnx.js';
import {
  profileName,
  profileNames,
  profilePath,
  readProfile,
  saveProfile,
  type Profile,
} from '../../profile/profile-file.ts';
import { watchInterrupts } from '../../terminal/interrupts.ts';
import { BlockForgeError, describeFailure, fail } from '../../util/failure.ts';
import { formatDuration } from '../../util/format.ts';
import {
  addPackageProfile,
  devicesOf,
  listPackageProfiles,
  measurePackages,
  renderPackageProfiles,
} from './package.ts';
import { renderProfile, renderProfileList, type ListedProfile } from './render.ts';
import { interruptedExitCode } from '../../terminal/report-error.ts';
import type { Surroundings, Terminal } from '../../terminal/terminal.ts';

/** Measures, adds or lists the latency profiles of a library. @returns the exit code */
export async function runProfile(
  { library: path, action, json }: ProfileCommand,
  around: Surroundings,
): Promise<number> {
  const { stdout, stderr } = around;
  const found = await findPackage(path);
  if (found !== undefined) return profilePackage(found, action, around, json);
  const library = await openLibrary(path);
  if (action.kind === 'list') {
    const listed = await listProfiles(library);
    stdout.write(`${json ? JSON.stringify(listed, null, 2) : renderProfileList(listed, library.folder)}\n`);
    return 0;
  }
  const profile =
    action.kind === 'add'
      ? await readProfile(action.file, library)
      : await measure(library, action, around, json);
  if (profile === undefined) {
    stderr.write('interrupted: no profile was written\n');
    return interruptedExitCode;
  }
  const written = await saveProfile(library, profile);
  stdout.write(
    json
      ? `${JSON.stringify(profile, null, 2)}\n`
      : `${renderProfile(profile, stdout.paint, stdout.isLive ? stdout.columns : Infinity)}\n\n${written}\n`,
  );
  return 0;
}

/** The same of a deployment or of a device's package. @returns the exit code */
async function profilePackage(
  { kind, manifestPath }: { readonly kind: PackageKind; readonly manifestPath: string },
  action: ProfileCommand['action'],
  around: Surroundings,
  json: boolean,
): Promise<number> {
  const { stdout, stderr } = around;
  const devices = await devicesOf(kind, manifestPath);
  const profiles =
    action.kind === 'list'
      ? await listPackageProfiles(devices)
      : action.kind === 'add'
        ? await addPackageProfile(devices, action.file)
        : await watched(action, around, json, (rounds) => measurePackages(devices, action, rounds));
  if (profiles === undefined) {
    stderr.write('interrupted: not every profile was written\n');
    return interruptedExitCode;
  }
  stdout.write(
    `${json ? JSON.stringify(profiles, null, 2) : renderPackageProfiles(profiles, stdout.paint)}\n`,
  );
  return 0;
}

/** @returns undefined where it was interrupted */
async function measure(
  library: Library,
  command: Measure,
  around: Surroundings,
  quiet: boolean,
): Promise<Profile | undefined> {
  const {
    runtime,
    batchSizes = defaults.batchSizes,
    iterations = defaults.iterations,
    threads,
    device,
  } = command;
  return watched(command, around, quiet, async (rounds) => {
    const options = { ...rounds, batchSizes, iterations, warmup: defaults.warmup, name: device };
    return runtime === 'tfjs'
      ? (await import('../../profile/measure-tfjs.ts')).measureTfjs(library, { ...options, threads })
      : withOnnx(library, options, threads);
  });
}

/** What `work` gives, with progress and interruptible. @returns undefined where it was interrupted */
async function watched<T>(
  { device }: Measure,
  { stderr, unheard }: Surroundings,
  quiet: boolean,
  work: (rounds: Pick<Options, 'signal' | 'onProgress'>) => Promise<T>,
): Promise<T | undefined> {
  if (device !== undefined && !profileName.safeParse(device).success)
    fail({
      reason: 'usage',
      subject: `--name ${device}`,
      found: 'not usable as the name of a file',
      expected: 'letters, digits, "_", "." and "-", at most 100',
    });
  const interrupts = watchInterrupts();
  const progress = progressLine(stderr);
  const signal = AbortSignal.any([interrupts.polite, unheard]);
  try {
    return await work({ signal, onProgress: quiet ? undefined : progress.show });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    progress.clear();
    interrupts.dispose();
  }
}

type Settings = Omit<Options, 'folder' | 'threads'>;

async function withOnnx(
  library: Library,
  options: Settings,
  threads = availableParallelism(),
): Promise<Profile> {
  const { requireOnnx } = await import('../../library/require-onnx.ts');
  await requireOnnx(library, 'measure with --runtime tfjs');
  return measureOnnx({ ...options, folder: library.folder, threads });
}

async function listProfiles(library: Library): Promise<ListedProfile[]> {
  const names = await profileNames(library);
  return Promise.all(
    names.map(async (name) => {
      try {
        return { name, profile: await readProfile(profilePath(library, name), library) };
      } catch (error) {
        if (!(error instanceof BlockForgeError)) throw error;
        return { name, problem: describeFailure(error.failure) };
      }
    }),
  );
}

/** One line that is rewritten on a terminal, and a line every ten seconds elsewhere. */
function progressLine(stderr: Terminal): {
  show: (fraction: number, secondsLeft: number) => void;
  clear: () => void;
} {
  let next = 0;
  return {
    show(fraction, secondsLeft) {
      if (Date.now() < next) return;
      next = Date.now() + (stderr.isLive ? 200 : 10_000);
      const line = `measuring: ${Math.floor(100 * fraction)} %, ${formatDuration(secondsLeft)} left`;
      stderr.write(stderr.isLive ? `${stderr.eraseLine}${line}` : `${line}\n`);
    },
    clear: () => stderr.isLive && next > 0 && stderr.write(stderr.eraseLine),
  };
}
