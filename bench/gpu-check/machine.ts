import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { installedEngines } from '../../pipeline/tensor/installed.ts';
import { formatBytes } from '../../pipeline/util/format.ts';
import { cudaLibraries, openLibraries } from '../../scripts/setup/nvidia/libraries.js';

/** The lines of the report that say where it was made. */
export async function describeMachine(): Promise<readonly string[]> {
  const { tensorflow, webgpu, why } = installedEngines();
  const header = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const libc = header.header?.glibcVersionRuntime;
  const cuda = await openLibraries(Object.keys(cudaLibraries), tensorflow?.folder, process.env);
  const vulkan = await openLibraries(['libvulkan.so.1'], undefined, process.env);
  const rows: readonly (readonly [string, string])[] = [
    ['date', new Date().toISOString()],
    [
      'system',
      `${process.platform} ${release()} ${process.arch}${libc === undefined ? '' : `, glibc ${libc}`}`,
    ],
    [
      'processor',
      `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} threads, ${formatBytes(totalmem())}`,
    ],
    ['Node.js', process.versions.node],
    ['GPU', gpus()],
    [
      'CUDA',
      `found ${cuda.found.join(', ') || 'nothing'}; missing ${cuda.missing.map(({ name }) => name).join(', ') || 'nothing'}`,
    ],
    ['Vulkan', vulkan.missing.length === 0 ? 'libvulkan.so.1 found' : 'libvulkan.so.1 missing'],
    [
      'tensorflow',
      tensorflow === undefined
        ? `not installed: ${why.join('; ') || 'no reason was recorded'}`
        : `${tensorflow.version} (${tensorflow.variant}) in ${tensorflow.folder}`,
    ],
    ['webgpu', webgpu === undefined ? 'not installed' : webgpu.version],
  ];
  return rows.map(([label, value]) => `${label.padEnd(12)}${value}`);
}

function gpus(): string {
  const fields = 'name,driver_version,memory.total,compute_cap';
  const answer = spawnSync('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (answer.error !== undefined) return 'no nvidia-smi';
  const line = answer.stdout.trim().split('\n').join(' | ');
  return answer.status === 0 ? line : `nvidia-smi failed: ${(answer.stderr || line).trim().slice(0, 200)}`;
}
