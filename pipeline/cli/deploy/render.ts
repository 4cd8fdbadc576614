import type { LoadReport, Quantiles } from '../../serving/load-fleet.ts';
import { renderTable } from '../../terminal/table.ts';
import { formatBytes } from '../../util/format.ts';

export type DeployReport = LoadReport & {
  readonly deployment: string;
  readonly devices: number;
  readonly deadlineMs: number;
  /** How often a device was killed. */
  readonly killed: number;
};

/** What was measured, in a table and sentences. */
export function renderLoad(report: DeployReport): string {
  const { deployment, devices, requests, failed, partial, seconds, bytesPerImage, killed, missing } = report;
  const right = (title: string) => ({ title, align: 'right' as const });
  const row = (name: string, times: Quantiles) => [
    name,
    ...[times.p50, times.p90, times.p99, times.max].map((value) => value.toFixed(2)),
  ];
  const absent = Object.entries(missing).map(([device, count]) => `${device} ${count}`);
  return [
    `${deployment}: ${devices} device${devices === 1 ? '' : 's'}, ${requests} images in ${seconds.toFixed(1)} s (${report.perSecond.toFixed(1)}/s), ` +
      `deadline ${report.deadlineMs} ms${killed > 0 ? `, a device killed ${killed} times` : ''}`,
    '',
    ...renderTable(
      [{ title: 'milliseconds' }, ...['p50', 'p90', 'p99', 'longest'].map(right)],
      [
        row('image to classes', report.latency),
        row("slowest device's sub-models", report.slowestDevice),
        row('the rest', report.overhead),
        row('of that preparing', report.prepare),
        row('of that waiting in line', report.queue),
      ],
    ),
    '',
    `On the wire per image, all devices: ${formatBytes(bytesPerImage.sent)} out, ${formatBytes(bytesPerImage.received)} back`,
    `Not answered: ${failed}${report.firstFailure === null ? '' : ` (${report.firstFailure})`}; ` +
      `answered without some device: ${partial}${absent.length > 0 ? ` (${absent.join(', ')})` : ''}`,
  ].join('\n');
}
