/**
 * What this machine's GPU does for BlockForge, as text to paste into an issue: driver and libraries, then every engine that is installed and
 * ONNX Runtime, in a process each: do they load, are their numbers right, how fast are they. What fails is a line of
 * the report, which goes on.
 *
 *     npm run gpu-check -- [--seconds 1] [--only machine,tensorflow,webgpu,wasm,onnx] [--json]
 *
 * scripts/gpu-check is the same without npm. A GPU takes about 20 s an engine. Exit code 1 where something failed.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { installedEngines } from '../pipeline/tensor/installed.ts';
import { describeMachine } from './gpu-check/machine.ts';
import { receiveRow, withoutPlaces, type Row } from './gpu-check/row.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const wanted = options.only?.split(',');
const isWanted = (part: string): boolean => wanted?.includes(part) ?? true;
const { tensorflow, webgpu } = installedEngines();
const engines = [...(tensorflow ? ['tensorflow'] : []), ...(webgpu ? ['webgpu'] : []), 'wasm'];
const report: Record<string, Row[]> = {};

if (isWanted('machine')) for (const row of await describeMachine()) tell('machine', row);
for (const engine of engines.filter(isWanted)) await measure(engine, 'engine.ts', [engine, options.seconds]);
if (isWanted('onnx')) await measure('onnx', 'onnx.ts', [options.seconds]);
if (options.json) console.log(JSON.stringify(report, null, 2));
if (Object.values(report).some((rows) => rows.some((row) => row.failed))) process.exitCode = 1;

function tell(part: string, found: Row): void {
  const row = { ...found, text: withoutPlaces(found.text) };
  const isFirst = report[part] === undefined;
  (report[part] ??= []).push(row);
  if (options.json) return;
  if (isFirst && part !== 'machine') console.log(`\n${part}`);
  console.log(
    part === 'machine' ? `${row.label.padEnd(12)}${row.text}` : `  ${row.label.padEnd(36)}${row.text}`,
  );
}

/** Takes rows from a process, and tells how it ended where it did not end well: with the last that it said. */
async function measure(part: string, script: string, parameters: readonly string[]): Promise<void> {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const child = spawn(
    process.execPath,
    ['--import', tsx, join(import.meta.dirname, 'gpu-check', script), ...parameters],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 10 * 60_000,
    },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  const ended = new Promise<string | undefined>((settle) => {
    child.on('error', (error) => settle(error.message));
    child.on('close', (status, signal) => settle(status === 0 ? undefined : (signal ?? `status ${status}`)));
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const row = receiveRow(line);
    if (row === undefined) said = `${said}${line}\n`.slice(-2000);
    else tell(part, row);
  }
  const end = await ended;
  if (end === undefined) return;
  const lines = said.trim().split('\n');
  const words = lines.filter((line) => /error|failed|cannot/i.test(line)).at(-1) ?? lines.at(-1) ?? '';
  tell(part, { label: 'ended', text: `with ${end}: ${words.slice(0, 300)}`, failed: true });
}
