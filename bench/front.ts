/**
 * The whole front: what removed FFN units, merged tokens and narrower attention lose at equal multiply-adds, alone and together, on one teacher,
 * the same calibration and the same measured images, and what each saves beside multiply-adds: parameters, activations, latency.
 *
 *     npm run bench -- front --config vit-tiny-imagenet40.yaml --images 1000,600
 *     npm run bench -- front --config vit-tiny-imagenet40.yaml --distilled runs/vit-tiny-imagenet40 --rows units,merging+units
 *     npm run bench -- front --config vit-tiny-imagenet40.yaml --rows '' --sparsities 0.5 --polish 10
 *
 * Fitted to calibration images without labels, measured on selection images; test images stay out. Latency: one image, median of passes that run in
 * turns with the teacher's, in the engine that computes the rest. `--polish`: end-to-end distillation from VBP's blocks and from the refit, at
 * equal minutes. Prints Markdown on stdout, progress on stderr; writes both as JSON and Markdown.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bounds, pairedScoresPp } from '../pipeline/measure/interval.ts';
import type { Scores } from '../pipeline/measure/scores.ts';
import { hiddenUnits } from '../pipeline/model/architecture.ts';
import type { FfnWeights } from '../pipeline/model/ffn-weights.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import { descents } from '../pipeline/stages/blocks/shape.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { writeFileAtomic, writeJsonAtomic } from '../pipeline/util/atomic.ts';
import { BlockForgeError, exitCodeOf } from '../pipeline/util/failure.ts';
import { formatDuration } from '../pipeline/util/format.ts';
import { openAttentionCuts, type AttentionCuts } from './front/attention-cuts.ts';
import { columnsOf } from './front/columns.ts';
import { openDistilledUnits } from './front/distilled-units.ts';
import { frontCosts } from './front/front-costs.ts';
import { frontLatency } from './front/front-latency.ts';
import type { FrontModel } from './front/front-model.ts';
import { frontTable, polishTable, type FrontRow } from './front/front-table.ts';
import { openJudge } from './front/judge.ts';
import { readOptions, type FrontOptions } from './front/options.ts';
import { planRows, unitWidths } from './front/plan-rows.ts';
import { polishStarts, type PolishedStart } from './front/polish-starts.ts';
import { scoreSummary } from './front/score-summary.ts';
import { fitUnits, type UnitFits } from './front/unit-fits.ts';
import { openQualityData, type QualityData } from './quality/data.ts';
import { recipesOf } from './quality/recipes.ts';

const warmup = 3;

async function front(options: FrontOptions): Promise<string> {
  const began = performance.now();
  const note = (text: string): void =>
    console.error(`${formatDuration((performance.now() - began) / 1000)}  ${text}`);
  const data = await openQualityData({ ...options, folds: 1 });
  const { config, name } = data.loaded;
  const { description } = await loadEngine(options.engine ?? config.engine);
  const { architecture } = data;
  const { calibration, evaluation } = data.folds[0]!;
  const { confidence, batchSize } = config.measure;
  const multiple = config.descendants.widthMultiple;
  const teacher: FrontModel = { architecture, weights: data.teacher };
  const widths = descents(config, hiddenUnits(architecture)).map(({ width }) => width);
  const columns = columnsOf(architecture, widths, options.macs, multiple);
  const shape = { teacher, columns, rows: options.rows, multiple };
  const pixelsOf = async function* () {
    for await (const { pixels } of data.images.tensorBatches(calibration, batchSize)) yield pixels;
  };

  const model = uploadTeacher(teacher.weights, architecture);
  note(`the teacher on ${evaluation.length} images`);
  const judge = await openJudge(teacher, data.images.tensorBatches(evaluation, batchSize));
  try {
    let fits: Promise<UnitFits> | undefined;
    const fitted = async (width: number): Promise<readonly FfnWeights[]> => {
      fits ??= fitUnits(data, model, recipesOf(config).blockforge, unitWidths(shape));
      return (await fits).of(width);
    };
    let cuts: Promise<AttentionCuts> | undefined;
    const distilled =
      options.distilled === undefined
        ? () => undefined
        : await openDistilledUnits(options.distilled, teacher.weights);
    const planned = planRows({
      ...shape,
      fitted,
      distilled,
      cut: async (one) => (await (cuts ??= openAttentionCuts(teacher, pixelsOf, config.seed))).cut(one),
    });
    const rowOf = async (
      parts: Pick<FrontRow, 'way' | 'what' | 'budget' | 'seconds'>,
      one: FrontModel,
      scores: Scores,
    ): Promise<FrontRow> => ({
      ...parts,
      costs: frontCosts(one.architecture, one.merged),
      latency: await frontLatency(teacher, one, judge.image, { warmup, rounds: options.rounds }),
      ...scoreSummary(scores, confidence),
      differencePp:
        scores === judge.teacher
          ? null
          : bounds(pairedScoresPp(scores.correct, judge.teacher.correct, confidence)),
    });
    const first = await rowOf({ way: 'teacher', what: '', budget: null, seconds: 0 }, teacher, judge.teacher);
    const rows: FrontRow[] = [];
    const polished: PolishedStart[] = [];
    const out = resolve(options.out ?? join('runs', name, 'front', 'front.json'));
    const images = { calibration: calibration.length, measured: judge.images };
    // What is there so far is always written.
    const report = async (): Promise<string> => {
      const text = describe(data, description, images, [
        ...(rows.length === 0 ? [] : [frontTable(first, rows)]),
        ...(polished.length === 0 ? [] : [polishTable(polished, options.polish)]),
      ]);
      await writeJsonAtomic(out, {
        config: data.loaded.file,
        engine: description,
        options,
        images,
        seed: config.seed,
        confidence,
        complete:
          rows.length === planned.length && (options.polish === 0 || polished.length === 2 * widths.length),
        teacher: first,
        rows,
        polished,
      });
      await writeFileAtomic(`${out.replace(/\.json$/, '')}.md`, text);
      return text;
    };
    for (const { way, what, column, make } of planned) {
      note(`${way}: ${what}`);
      const start = performance.now();
      const one = await make();
      const seconds = (performance.now() - start) / 1000;
      const parts = { way, what, budget: column?.share ?? null, seconds };
      rows.push(await rowOf(parts, one, await judge.score(one)));
      await report();
    }
    for (const width of options.polish > 0 ? widths : []) {
      const starts = { data, model, teacher, judge, width, minutes: options.polish, onNote: note };
      for await (const start of polishStarts(starts)) {
        polished.push(start);
        await report();
      }
    }
    note(`${out} and .md`);
    return await report();
  } finally {
    judge.dispose();
    model.dispose();
  }
}

function describe(
  { loaded: { name, config } }: QualityData,
  engine: string,
  { calibration, measured }: { readonly calibration: number; readonly measured: number },
  tables: readonly string[],
): string {
  return `${[
    `# What can be taken away: ${name}`,
    '',
    `${calibration} calibration images without labels, ${measured} selection images measured, seed ${config.seed}; ${engine}. ` +
      `Intervals: ${100 * config.measure.confidence} %. Activations: the most bytes of one image that live at a time, computed. ` +
      'Latency: one image, median, in turns with the teacher.',
    '',
    tables.join('\n\n'),
  ].join('\n')}\n`;
}

async function main(): Promise<void> {
  try {
    const options = await readOptions(process.argv.slice(2));
    if (options !== undefined) console.log(await front(options));
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    console.error(error.message);
    process.exitCode = exitCodeOf(error.failure.reason);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) await main();
