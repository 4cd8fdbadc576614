/**
 * What this machine's GPU does for BlockForge, as text to paste into an issue: driver and libraries, then every engine that is installed,
 * in a process each: does it load, are its numbers right, how fast is it.
 *
 *     npm run bench -- gpu-check [seconds per rate, default 1]
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { installedEngines } from '../pipeline/tensor/installed.ts';
import { describeMachine } from './gpu-check/machine.ts';

const seconds = process.argv[2] ?? '1';
const { tensorflow, webgpu } = installedEngines();
console.log((await describeMachine()).join('\n'));

const engines = [...(tensorflow ? ['tensorflow'] : []), ...(webgpu ? ['webgpu'] : []), 'wasm'];
const tsx = createRequire(import.meta.url).resolve('tsx');
for (const engine of engines) {
  console.log('');
  const script = join(import.meta.dirname, 'gpu-check', 'engine.ts');
  const { status, signal } = spawnSync(process.execPath, ['--import', tsx, script, engine, seconds], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 10 * 60_000,
  });
  if (status === 0) continue;
  console.log(`${engine} ended with ${signal ?? `status ${status}`}`);
  process.exitCode = 1;
}
