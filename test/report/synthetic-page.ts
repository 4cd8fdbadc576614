import type { ReportPage } from '../../pipeline/report/page.ts';
import { pointsChart } from '../../pipeline/report/charts/points.ts';
import { linesChart } from '../../pipeline/report/charts/lines.ts';
import { barsChart } from '../../pipeline/report/charts/bars.ts';
import { timelineChart } from '../../pipeline/report/charts/timeline.ts';
import { predictedChart } from '../../pipeline/report/charts/predicted.ts';

/** A page with a part of every kind, as large as one of `blocks` x `widths` descendants is. */
export function syntheticPage(blocks: number, widths: number): ReportPage {
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const share = (w: number) => Math.round(90 - (w * 80) / Math.max(1, widths - 1));
  const loss = (b: number, w: number) => ((100 - share(w)) / 100) ** 2 * (1 + Math.sin(b * 1.7) * 0.6) * 9;
  const kinds = ['pruned', 'refit', 'distilled', 'allocated'] as const;
  return {
    title: 'vit-tiny-in1k',
    headline: [
      'Removing 70 % of every feed-forward block leaves 71.2 % top-1 (68.9 to 73.4) of the teacher’s 75.5 %: a loss of 4.3 points (2.9 to 5.6) for 41 % fewer parameters.',
      'Distillation gives back 6.1 points (4.8 to 7.3) over refitting alone; allocating widths by measured loss gives another 1.2 (0.4 to 2.0).',
    ],
    facts: [
      { label: 'Teacher', value: 'vit-tiny-patch16-224.augreg_in21k_ft_in1k' },
      { label: 'Data', value: 'tiny-imagenet-40, 40 classes' },
      { label: 'Images', value: '2,000 calibration, 1,000 selection, 2,000 test' },
      { label: 'Engine', value: 'tfjs-node 4.22, 2 cores' },
      { label: 'Seed', value: '1' },
      { label: 'Time', value: '14 min 32 s' },
    ],
    sections: [
      {
        id: 'accuracy',
        title: 'Accuracy against cost',
        lead: 'Every model was measured on the 2,000 test images; lines are 95 % intervals.',
        parts: [
          {
            kind: 'notices',
            notices: [
              {
                level: 'good',
                text: 'All gates passed: every exported file gives the same answers as the model it was made of.',
              },
              {
                level: 'warning',
                text: 'Block 3 at 10 % loses 12.4 points: more than half of what the whole model has.',
              },
              { level: 'note', text: 'Latencies are of this machine, not of a device.' },
              {
                level: 'failure',
                text: 'The gate on block 5 failed: rank correlation 0.41, at least 0.6 was expected.',
              },
            ],
          },
          pointsChart({
            title: 'Top-1 against parameters',
            alternative:
              'The allocated models lie above the uniform ones at every size: 71.2 % at 3.4 million parameters, against 68.0 %.',
            x: { title: 'parameters', log: true, format: '~s' },
            y: { title: 'top-1, %' },
            chosen: { x: 'params' },
            front: range(6).map((i) => ({ x: 2e6 + i * 7e5, y: 55 + i * 3.4 })),
            points: [
              ...kinds.flatMap((kind, k) =>
                range(5).map((i) => ({
                  x: 2e6 + i * 7e5 + k * 9e4,
                  y: 40 + k * 4 + i * 5.5 - k * i * 0.6,
                  yLow: 38 + k * 4 + i * 5.5 - k * i * 0.6,
                  yHigh: 42 + k * 4 + i * 5.5 - k * i * 0.6,
                  kind,
                  says: `${kind}, ${share(i)} % kept: top-1 ${40 + k * 4 + i * 5} % (38 to 42), ${2 + i * 0.7} M parameters`,
                })),
              ),
              ...range(16).map((i) => ({
                x: 2.1e6 + ((i * 37) % 16) * 2e5,
                y: 44 + ((i * 37) % 16) * 1.4 + Math.sin(i) * 2,
                kind: 'random',
                says: `random composition ${i + 1}`,
              })),
              {
                x: 5.7e6,
                y: 75.5,
                yLow: 73.6,
                yHigh: 77.4,
                kind: 'teacher',
                says: 'teacher: top-1 75.5 % (73.6 to 77.4), 5.7 M parameters',
              },
            ],
            numbers: {
              kind: 'table',
              caption: 'Models',
              columns: [{ title: 'Model' }, { title: 'Top-1, %' }],
              rows: [[{ text: 'teacher' }, { text: '75.5', value: 75.5 }]],
            },
          }),
          predictedChart({
            title: 'Measured against predicted compositions',
            alternative:
              'The prediction is within 1.1 points of what was measured for 14 of 16 compositions.',
            of: 'drop, points',
            points: range(16).map((i) => ({
              predicted: i * 1.1,
              measured: i * 1.05 + Math.sin(i * 3),
              low: i * 1.05 + Math.sin(i * 3) - 1,
              high: i * 1.05 + Math.sin(i * 3) + 1,
              kind: i % 3 === 0 ? 'allocated' : 'random',
              says: `composition ${i}`,
            })),
          }),
        ],
      },
      {
        id: 'library',
        title: 'The library',
        lead: 'One row per block and width, in the order of what is lost when that block alone is replaced.',
        parts: [
          {
            kind: 'heat-map',
            caption: 'Points of top-1 lost when one block is replaced',
            corner: 'Block',
            scale: 'loss',
            columns: range(widths).map((w) => `${share(w)} %`),
            rows: range(blocks).map((b) => ({
              title: String(b),
              cells: range(widths).map((w) =>
                b === 2 && w === 1
                  ? null
                  : {
                      text: loss(b, w).toFixed(1),
                      value: loss(b, w),
                      hover: `Block ${b} at ${share(w)} %: ${loss(b, w).toFixed(2)} points lost (${(loss(b, w) - 0.4).toFixed(2)} to ${(loss(b, w) + 0.4).toFixed(2)})`,
                      id: `b${b}-w${w}`,
                    },
              ),
            })),
          },
          {
            kind: 'table',
            caption: 'All descendants, ranked',
            interactive: true,
            columns: [
              { title: 'Descendant' },
              { title: 'Block', align: 'right' },
              { title: 'Width', align: 'right', about: 'Hidden units that are kept.' },
              { title: 'Lost, points', about: 'Of top-1, on the selection split, with its 95 % interval.' },
              { title: '95 % interval', align: 'right' },
              { title: 'Parameters' },
              { title: 'Gate' },
            ],
            rows: range(blocks).flatMap((b) =>
              range(widths).map((w) => [
                { text: `block-${b}-${share(w)}` },
                { text: String(b), value: b },
                { text: `${share(w)} %`, value: share(w) },
                {
                  text: loss(b, w).toFixed(2),
                  value: loss(b, w),
                  ...(loss(b, w) > 8 ? { tone: 'bad' as const } : {}),
                },
                {
                  text: `${(loss(b, w) - 0.4).toFixed(2)} to ${(loss(b, w) + 0.4).toFixed(2)}`,
                  value: loss(b, w),
                },
                { text: ((295e3 * share(w)) / 100).toLocaleString('en'), value: 295e3 * share(w) },
                {
                  text: loss(b, w) > 8 ? 'failed' : 'passed',
                  tone: loss(b, w) > 8 ? ('bad' as const) : ('good' as const),
                },
              ]),
            ),
          },
        ],
      },
      {
        id: 'training',
        title: 'Training',
        parts: [
          linesChart({
            title: 'Loss while distilling, by block',
            alternative: 'The loss falls in every block.',
            x: { title: 'step' },
            y: { title: 'loss', log: true },
            lines: range(blocks).flatMap((b) =>
              range(Math.min(4, widths)).map((w) => ({
                panel: `block ${b}`,
                kind: `${share(w * 2)} %`,
                says: `block ${b}, ${share(w * 2)} %: from 0.8 to 0.2`,
                points: range(20).map((i) => ({
                  x: i * 10,
                  y: (0.1 + w * 0.2) * (1 + b / 6) * (0.3 + Math.exp(-i / 5)),
                })),
              })),
            ),
          }),
          linesChart({
            title: 'Loss of the whole model',
            alternative: 'It falls from 2 to 0.4.',
            x: { title: 'step' },
            y: { title: 'loss', zero: true },
            lines: ['training', 'validation'].map((kind, k) => ({
              kind,
              says: kind,
              points: range(60).map((i) => ({ x: i * 10, y: 0.4 + k * 0.1 + 1.6 * Math.exp(-i / 12) })),
            })),
          }),
          barsChart({
            title: 'Gained by distilling over refitting',
            alternative: 'Block 3 gains most: 2.1 points.',
            x: { title: 'points of top-1' },
            y: 'block',
            bars: range(blocks).map((b) => ({
              label: String(b),
              value: 1 + Math.sin(b),
              low: 0.6 + Math.sin(b),
              high: 1.4 + Math.sin(b),
              kind: 'gain',
              says: `block ${b}: gained`,
            })),
          }),
        ],
      },
      {
        id: 'examples',
        title: 'What it sees',
        parts: [
          {
            kind: 'gallery',
            caption: 'The teacher has them right, the small model wrong',
            images: range(8).map((i) => ({
              source: svgless(i),
              alternative: `A picture of class ${i}`,
              lines: [`is: class ${i}`, `said: class ${i + 1}`],
            })),
          },
          {
            kind: 'heat-map',
            caption: 'Confusion, % of the images of a class',
            corner: 'is / said',
            scale: 'share',
            columns: range(10).map((i) => `class ${i}`),
            rows: range(10).map((i) => ({
              title: `class ${i}`,
              cells: range(10).map((j) => ({
                text: i === j ? '82' : String((i * j) % 5),
                value: i === j ? 82 : (i * j) % 5,
                hover: `class ${i} called class ${j}`,
              })),
            })),
          },
        ],
      },
      {
        id: 'time',
        title: 'Where the time went',
        parts: [
          timelineChart({
            title: 'Jobs by slot',
            alternative: 'Most of the time is distillation.',
            x: { title: 'minutes' },
            spans: range(blocks * widths).map((i) => ({
              lane: `slot ${(i % 2) + 1}`,
              from: Math.floor(i / 2) * 0.2,
              to: Math.floor(i / 2) * 0.2 + 0.19,
              kind: ['refit', 'distil', 'measure'][i % 3]!,
              says: `job ${i}, 12 s`,
            })),
          }),
        ],
      },
      {
        id: 'provenance',
        title: 'Provenance',
        parts: [
          { kind: 'text', text: 'Made by BlockForge 0.1.0 from configs/demo.yaml.' },
          {
            kind: 'table',
            caption: 'Files',
            columns: [{ title: 'File' }, { title: 'SHA-256' }],
            rows: range(5).map((i) => [
              { text: `library/block-${i}.safetensors` },
              { text: 'a3'.repeat(32) },
            ]),
          },
        ],
      },
    ],
  };
}

/** A bitmap of one colour, 1 x 1. */
function svgless(_i: number): string {
  return 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
}
