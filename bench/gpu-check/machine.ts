import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { findObstacle } from '../../pipeline/cli/doctor/obstacle.ts';
import { installedEngines } from '../../pipeline/tensor/installed.ts';
import { formatBytes } from '../../pipeline/util/format.ts';
import { cudaLibraries, openLibraries } from '../../scripts/setup/nvidia/libraries.js';
import { lookForNvidia } from '../../scripts/setup/nvidia/look.js';
import { guarded, type Row } from './row.ts';

/** Where the report was made: machine, drivers, libraries, and what is installed of the engines. */
export async function describeMachine(): Promise<readonly Row[]> {
  const { tensorflow, webgpu, why } = installedEngines();
  const parts: readonly (readonly [label: string, tell: () => string | Promise<string>])[] = [
    ['date', () => new Date().toISOString()],
    ['system', system],
    [
      'processor',
      () => `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} threads, ${formatBytes(totalmem())}`,
    ],
    ['Node.js', () => process.versions.node],
    ['GPU', gpus],
    ['NVIDIA', nvidia],
    [
      'CUDA',
      () =>
        libraries(Object.keys(cudaLibraries), tensorflow?.variant === 'cuda' ? tensorflow.folder : undefined),
    ],
    ['Vulkan', () => libraries(['libvulkan.so.1'])],
    [
      'tensorflow',
      () =>
        tensorflow === undefined
          ? `not installed: ${why.join('; ') || 'no reason was recorded'}`
          : `${tensorflow.version} (${tensorflow.variant}) in ${tensorflow.folder}${why.length === 0 ? '' : `; ${why.join('; ')}`}`,
    ],
    ['webgpu', () => webgpu?.version ?? 'not installed'],
    ['obstacle', async () => sentence(await findObstacle(await lookForNvidia(process.env), tensorflow))],
  ];
  const rows: Row[] = [];
  for (const [label, tell] of parts) {
    rows.push(...(await guarded(label, async () => ({ label, text: await tell() }))));
  }
  return rows;
}

function system(): string {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const libc = header?.glibcVersionRuntime;
  return `${process.platform} ${release()} ${process.arch}${libc === undefined ? '' : `, glibc ${libc}`}`;
}

/** `nvidia-smi`'s fields, and of its table the newest CUDA that the driver serves. */
function gpus(): string {
  const ask = (parameters: readonly string[]) =>
    spawnSync('nvidia-smi', parameters, { encoding: 'utf8', timeout: 20_000 });
  const fields = 'name,driver_version,memory.total,memory.used,compute_cap,mig.mode.current';
  const answer = ask([`--query-gpu=${fields}`, '--format=csv,noheader']);
  if (answer.error !== undefined) return 'no nvidia-smi';
  const line = answer.stdout.trim().split('\n').join(' | ');
  if (answer.status !== 0) return `nvidia-smi failed: ${(answer.stderr || line).trim().slice(0, 200)}`;
  const [, cuda] = /CUDA Version: *([\d.]+)/.exec(ask([]).stdout) ?? [];
  return `${line}${cuda === undefined ? '' : `; the driver serves CUDA ${cuda}`}`;
}

async function nvidia(): Promise<string> {
  const { state, container, visible, forbidden, unifiedMemory, words } = await lookForNvidia(process.env);
  const notes = [
    ...(container ? ['in a container'] : []),
    ...(visible === undefined ? [] : [`CUDA_VISIBLE_DEVICES="${visible}"`]),
    ...(forbidden.length === 0 ? [] : [`no rights for ${forbidden.join(', ')}`]),
    ...(unifiedMemory ? [] : ['no /dev/nvidia-uvm']),
    ...(words === undefined ? [] : [words]),
  ];
  return [state, ...notes].join(', ');
}

async function libraries(names: readonly string[], folder?: string): Promise<string> {
  const { found, missing } = await openLibraries(names, folder, process.env);
  const faults = missing.map(({ name, why }) =>
    why.startsWith(`${name}: cannot open`) ? name : `${name} (${why})`,
  );
  return `found ${found.join(', ') || 'nothing'}; missing ${faults.join(', ') || 'nothing'}`;
}

const sentence = (obstacle: Awaited<ReturnType<typeof findObstacle>>): string =>
  obstacle === undefined ? 'none known' : `${obstacle.why}; ${obstacle.remedy}`;
