/**
 * What a run over many machines takes: the jobs of a real plan (a teacher by name, no weights needed) played on machines that share a file
 * server, by the plan's own estimates; time, traffic, disk and what is the limit, by number of machines and for both kinds of inputs.
 *
 *     npm run bench -- scale [--teacher vit_huge_patch14_224] [--machines 1,2,4,8,16,32,64] [--slots 1] [--speed 1] [--server 1.25]
 *                            [--nic 1.25] [--overhead 0.05] [--set key=value]...
 *     npm run bench -- scale --check RUNFOLDER [--config demo.yaml] [--set key=value]...
 *
 * `--speed`: how much faster a slot is than the two cores that estimates are of; jobs without numerics stay as they are. `--server`, `--nic`: GB
 * a second of the file server and of each machine. `--check`: the sizes of a real run's files beside the formulas used here.
 */
import { parseArgs } from 'node:util';
import { sideBySide } from '../pipeline/runner/side-by-side.ts';
import { renderTable } from '../pipeline/terminal/table.ts';
import { formatBytes, formatDuration } from '../pipeline/util/format.ts';
import { known } from '../pipeline/util/known.ts';
import { bytesOf } from './scale/bytes.ts';
import { checkSizes } from './scale/check-sizes.ts';
import { planOf } from './scale/plan-of.ts';
import { simulate } from './scale/simulate.ts';

const { values } = parseArgs({
  options: {
    teacher: { type: 'string', default: 'vit_huge_patch14_224' },
    machines: { type: 'string', default: '1,2,4,8,16,32,64' },
    slots: { type: 'string', default: '1' },
    speed: { type: 'string', default: '1' },
    server: { type: 'string', default: '1.25' },
    nic: { type: 'string', default: '1.25' },
    overhead: { type: 'string', default: '0.05' },
    set: { type: 'string', multiple: true, default: [] },
    check: { type: 'string' },
    config: { type: 'string', default: 'demo.yaml' },
  },
});

/** Nine widths, and passes over images in as many jobs as the largest fleet of the table has machines. */
const settings = [
  'data.path=.',
  'descendants.sparsities=[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9]',
  'data.splits={calibration: 8192, selection: 5120, test: 5120}',
  'measure.batchSize=32',
  ...values.set,
];
const number = (text: string): number => Number(text);
const [slots, speed, overheadSeconds] = [values.slots, values.speed, values.overhead].map(number) as [
  number,
  number,
  number,
];

if (values.check !== undefined) console.log(checkSizes(values.check, values.config, values.set).join('\n'));
else for (const from of ['composed', 'teacher'] as const) tell(from);

function tell(from: 'composed' | 'teacher'): void {
  const { plan, input } = planOf(
    'vit-b16',
    [...settings, `inputs.from=${from}`],
    values.teacher,
    'tensorflow',
  );
  const bytesOfJob = bytesOf(input);
  const bytes = new Map(plan.jobs.map((planned) => [planned, bytesOfJob(planned.job)]));
  const { criticalPath, totalSeconds, stages } = sideBySide(plan);
  const kept = [...bytes.values()].reduce((sum, one) => sum + one.kept, 0);
  const streams = [...bytes.values()].reduce((sum, one) => sum + one.streams, 0);
  const rows = values.machines.split(',').map((text) => {
    const run = simulate(plan, {
      machines: Number(text),
      slots,
      serverRate: Number(values.server) * 1e9,
      machineRate: Number(values.nic) * 1e9,
      secondsOf: ({ job, needsEngine }) => job.estimate.seconds / (needsEngine ? speed : 1),
      bytesOf: (planned) => known(bytes, planned),
      overheadSeconds,
    });
    return { text, run };
  });
  const first = rows[0]!.run.seconds;
  const lines = renderTable(
    ['machines', 'time', 'speed-up', 'read', 'written', 'slots at work', 'server full'].map((title) => ({
      title,
      align: 'right' as const,
    })),
    rows.map(({ text, run }) => [
      text,
      formatDuration(run.seconds),
      `${(first / run.seconds).toFixed(1)}x`,
      formatBytes(Math.round(run.readBytes)),
      formatBytes(Math.round(run.writtenBytes)),
      `${(100 * run.busyShare).toFixed(0)} %`,
      `${(100 * run.serverShare).toFixed(0)} %`,
    ]),
  );
  const most = [...stages].map(({ stage, jobs, inARow }) => {
    const seconds = plan.jobs.reduce(
      (sum, one) => sum + (one.stage === stage ? one.job.estimate.seconds : 0),
      0,
    );
    return { stage, jobs, inARow, seconds };
  });
  most.sort((a, b) => b.seconds - a.seconds);
  const shares = most.slice(0, 5).map(({ stage, jobs, inARow, seconds }) => {
    const row = inARow > 1 ? `, ${inARow} in a row` : '';
    return `${stage} ${((100 * seconds) / totalSeconds).toFixed(0)} % (${jobs} jobs${row})`;
  });
  console.log(
    [
      `${values.teacher}, inputs.from: ${from}: ${plan.jobs.length} jobs, ${formatDuration(totalSeconds)} of work on two cores, ` +
        `longest chain ${formatDuration(criticalPath.seconds)} (${criticalPath.jobs.length} jobs)`,
      `work: ${shares.join(', ')}`,
      `disk: ${formatBytes(Math.round(kept))} kept, ${formatBytes(Math.round(streams))} of streams where all refits run at once`,
      ...lines,
      '',
    ].join('\n'),
  );
}
