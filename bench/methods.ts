/**
 * The three methods side by side, on the same teacher, data, splits and seed, at equal cost: blocks (one model), ed-vit and devit (fleets
 * of which each device costs as much as that model, and fleets that cost as much together).
 *
 *     npm run bench -- methods [--config demo.yaml] [--devices 4] [--macs 0.5] [--epochs 3] [--runs runs/methods] [--only ed-vit,devit]
 *
 * `--config` is any config of the method blocks. Runs whole pipelines, resumable, and reads what they report of the test split, which
 * chose nothing. Prints one table; differences are paired with the teacher's answers, in percentage points, with 95 % intervals.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import yargs from 'yargs';
import { loadConfig } from '../pipeline/config/load.ts';
import { modelCosts } from '../pipeline/model/costs.ts';
import type { TestReport } from '../pipeline/stages/blocks/artefacts.ts';
import { preparePlanInput } from '../pipeline/stages/common/plan-input.ts';
import type { FleetsReport } from '../pipeline/stages/fleets/report-file.ts';
import { blocks } from '../pipeline/stages/methods.ts';
import { accuracyDecimals, formatAccuracy, formatDelta } from '../pipeline/terminal/numbers.ts';
import { renderTable } from '../pipeline/terminal/table.ts';
import { readJson } from '../pipeline/util/atomic.ts';
import { BlockForgeError, describeFailure, exitCodeOf } from '../pipeline/util/failure.ts';
import { formatBytes, formatCount } from '../pipeline/util/format.ts';
import { configsOf, sparsityFor } from './methods/configs.ts';
import { blockRows, fleetRows, type MethodRow } from './methods/rows.ts';

const root = resolve(import.meta.dirname, '..');

async function bench(argv: readonly string[]): Promise<void> {
  const args = await yargs([...argv])
    .scriptName('npm run bench -- methods')
    .options({
      config: { type: 'string', default: 'demo.yaml', describe: 'a config of the method blocks' },
      set: { type: 'string', array: true, default: [] as string[], describe: 'key.path=value' },
      devices: { type: 'number', default: 4, describe: 'of the fleets' },
      macs: { type: 'number', default: 0.5, describe: "share of the teacher's multiply-adds" },
      epochs: { type: 'number', default: 3, describe: 'passes of each training over its images' },
      runs: { type: 'string', default: 'runs/methods', describe: 'folder of the run folders' },
      only: { type: 'string', describe: 'methods, by commas' },
    })
    .strict()
    .parseAsync();
  const loaded = loadConfig(args.config, [blocks], { overrides: args.set });
  const { architecture } = await preparePlanInput(loaded, loaded.config.engine);
  const budget = { devices: args.devices, macs: args.macs, epochs: args.epochs };
  const sparsity = sparsityFor(architecture, args.macs, loaded.config.descendants.widthMultiple);
  const folder = resolve(args.runs);
  mkdirSync(folder, { recursive: true });
  const rows: MethodRow[] = [];
  let images = 0;
  for (const [method, text] of Object.entries(configsOf(loaded, budget, sparsity))) {
    if (args.only !== undefined && !args.only.split(',').includes(method)) continue;
    const file = join(folder, `${method}.yaml`);
    writeFileSync(file, text);
    const program = [join(root, 'scripts/start.js'), join(root, 'pipeline/cli/main.ts')];
    const { status } = spawnSync(
      process.execPath,
      [...program, 'run', '--config', file, '--runs', folder, '--quiet'],
      { cwd: root, stdio: ['ignore', process.stderr, 'inherit'] },
    );
    if (status !== 0) {
      process.exitCode = status ?? 1;
      return;
    }
    const report = await readJson<TestReport & FleetsReport>(join(folder, method, 'report/test/report.json'));
    images = report.images;
    rows.push(...(method === 'blocks' ? blockRows(report, architecture) : fleetRows(method, report)));
  }
  const teacher = modelCosts(architecture);
  const part = (own: number, whole: number) => `${((100 * own) / whole).toFixed(0)} %`;
  const decimals = accuracyDecimals(images);
  console.log(
    [
      `${images.toLocaleString('en-US')} images of the test split, seed ${loaded.config.seed}; the teacher has ${formatCount(teacher.macs)} MACs and ${formatBytes(teacher.sizeBytes)}`,
      ...(sparsity === undefined
        ? [`blocks: not here, without any hidden unit it costs more than ${part(args.macs, 1)}`]
        : []),
      '',
      ...renderTable(
        [
          { title: 'method' },
          { title: 'MACs of a device', align: 'right' },
          { title: 'of all', align: 'right' },
          { title: 'size of a device', align: 'right' },
          { title: 'top-1 [interval]' },
          { title: 'against the teacher pp' },
          { title: 'worst device lost pp' },
          { title: 'bytes up', align: 'right' },
        ],
        rows.map((row) => [
          row.name,
          part(row.deviceMacs, teacher.macs),
          part(row.totalMacs, teacher.macs),
          part(row.deviceBytes, teacher.sizeBytes),
          formatAccuracy(
            { top1: row.top1Percent.mean, top1Low: row.top1Percent.low, top1High: row.top1Percent.high },
            decimals,
          ),
          formatDelta(row.againstPp),
          row.lostPp === undefined ? '' : formatDelta(row.lostPp),
          row.bytesUp === 0 ? '' : String(row.bytesUp),
        ]),
      ),
    ].join('\n'),
  );
}

try {
  await bench(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BlockForgeError)) throw error;
  console.error(describeFailure(error.failure));
  process.exitCode = exitCodeOf(error.failure.reason);
}
