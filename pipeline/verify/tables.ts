import { stat } from 'node:fs/promises';
import { isRecord, showValue } from '../util/foreign-value.ts';
import { readPlainFile } from '../util/plain-file.ts';
import type { Manifest, ManifestBlock, ManifestFile } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';
import { rankingCsv, rankingJson } from '../library/ranking-table.ts';
import { tally, type Check, type Finding, type Wrong } from './finding.ts';
import { known } from '../util/known.ts';

/** Far above any real table: a hostile one must not fill the memory. */
const maxTableBytes = 64 * 2 ** 20;

/** Every block's `kept-units.json`: for each descendant its units, distinct, of the teacher's. */
export async function verifyKeptUnits(
  library: Library,
  damaged: ReadonlySet<string>,
  findings: Finding[],
): Promise<Check> {
  const check = tally('kept-units', findings, damaged);
  for (const block of library.manifest.blocks) {
    const { path } = block.keptUnits;
    await check.look(path, async () => {
      const { content, problem } = await readTable(library, block.keptUnits);
      return problem ?? keptUnitsProblem(block, parseJson(content));
    });
  }
  return check.result();
}

function keptUnitsProblem({ descendants, hidden }: ManifestBlock, value: unknown): Wrong | undefined {
  if (!isRecord(value)) return { found: 'not a JSON object', expected: 'lists of unit indices by name' };
  for (const { id, keptUnitsKey: key, width, source } of descendants) {
    const units = Object.hasOwn(value, key) ? value[key] : undefined;
    if (!Array.isArray(units)) {
      return { found: `no list ${showValue(key)}`, expected: `the kept units of ${id}` };
    }
    if (units.length !== width) {
      return {
        found: `${showValue(key)} lists ${units.length} units`,
        expected: `${width}, the width of ${id}`,
      };
    }
    const seen = new Set<unknown>();
    for (const unit of units as unknown[]) {
      if (!Number.isInteger(unit) || (unit as number) < 0 || (unit as number) >= hidden) {
        return {
          found: `${showValue(key)} lists unit ${showValue(unit)}`,
          expected: `units 0 to ${hidden - 1}`,
        };
      }
      if (seen.has(unit))
        return { found: `${showValue(key)} lists unit ${unit as number} twice`, expected: 'distinct units' };
      seen.add(unit);
    }
    const inOrder = units.every((unit, index) => unit === index);
    if (source === 'teacher' && !inOrder) {
      return {
        found: `${showValue(key)} is not in order`,
        expected: "the teacher's units in their own order",
      };
    }
  }
  return undefined;
}

/**
 * `ranking.json` and `ranking.csv` say what the manifest says: the same descendants in the same order with the same
 * numbers, in every column that both know. So a table of another version's columns still verifies.
 */
export async function verifyRanking(
  library: Library,
  damaged: ReadonlySet<string>,
  findings: Finding[],
): Promise<Check> {
  const { manifest } = library;
  const { json, csv, entries, resource } = manifest.ranking;
  const kind = manifest.teacher.measure?.kind;
  const check = tally('ranking', findings, damaged);
  const inside = entryProblem(manifest);
  if (inside === undefined) check.pass();
  else check.find({ file: 'manifest.json', ...inside });
  const tables: [ManifestFile, rowsOf: (content: string) => Row[] | undefined, expected: () => unknown][] = [
    [json, rowsOfJson, () => rankingJson(manifest.blocks, entries, resource, kind).entries],
    [csv, rowsOfCsv, () => rowsOfCsv(rankingCsv(manifest.blocks, entries, kind))],
  ];
  for (const [file, rowsOf, expected] of tables) {
    if (inside !== undefined) check.skip();
    else
      await check.look(file.path, async () => {
        const { content, problem } = await readTable(library, file);
        return problem ?? tableProblem(rowsOf(content), (expected() ?? []) as Row[]);
      });
  }
  return check.result();
}

type Row = Readonly<Record<string, unknown>>;

/** The manifest's own two accounts of the ranking: entry by entry, and in the descendants. */
function entryProblem({ ranking, blocks }: Manifest): Wrong | undefined {
  const places = new Map(
    blocks.flatMap(({ index, descendants }) =>
      descendants.map((item) => [item.id, { index, item }] as const),
    ),
  );
  const seen = new Set<string>();
  for (const [place, { id, block, rank, dominated, dominatedBy }] of ranking.entries.entries()) {
    const { index, item } = known(places, id);
    const where = `ranking.entries.${place} (${id})`;
    if (seen.has(id)) return { found: `${where}: ranked twice`, expected: 'every descendant once' };
    seen.add(id);
    if (block !== index) return { found: `${where}: block ${block}`, expected: String(index) };
    if (rank !== item.rank)
      return { found: `${where}: rank ${rank}`, expected: `${item.rank}, as the descendant has it` };
    if (dominated !== item.dominated || dominated !== (dominatedBy !== null)) {
      return {
        found: `${where}: dominated ${dominated} by ${dominatedBy}`,
        expected: `dominated ${item.dominated}`,
      };
    }
  }
  const missing = [...places.values()].find(({ item }) => item.rank > 0 && !seen.has(item.id));
  if (missing === undefined) return undefined;
  return { found: `ranking.entries: no ${missing.item.id}`, expected: 'every descendant once' };
}

function rowsOfJson(content: string): Row[] | undefined {
  const value = parseJson(content);
  const entries = isRecord(value) ? value.entries : undefined;
  return Array.isArray(entries) && entries.every(isRecord) ? entries : undefined;
}

/** No cell of ours holds a comma or a quote. */
function rowsOfCsv(content: string): Row[] | undefined {
  const [header = '', ...lines] = content.trimEnd().split(/\r?\n/);
  const columns = header.split(',');
  const rows = lines.map((line) => line.split(','));
  if (rows.some((cells) => cells.length !== columns.length)) return undefined;
  return rows.map((cells) => Object.fromEntries(cells.map((cell, index) => [columns[index]!, cell])));
}

function tableProblem(found: Row[] | undefined, expected: readonly Row[]): Wrong | undefined {
  if (found === undefined) return { found: 'not a ranking', expected: 'one row per ranked descendant' };
  if (found.length !== expected.length) {
    return { found: `${found.length} rows`, expected: `${expected.length}, as the manifest ranks` };
  }
  for (const [index, row] of expected.entries()) {
    const own = found[index]!;
    if (!Object.hasOwn(own, 'id')) return { found: `row ${index + 1}: no id`, expected: showValue(row.id) };
    for (const [column, value] of Object.entries(row)) {
      if (!Object.hasOwn(own, column) || own[column] === value) continue;
      return {
        found: `row ${index + 1}: ${column} ${showValue(own[column])}`,
        expected: `${showValue(value)}, as the manifest has it`,
      };
    }
  }
  return undefined;
}

async function readTable(
  library: Library,
  file: ManifestFile,
): Promise<{ content: string; problem?: Wrong }> {
  const path = library.pathOf(file);
  const { size } = await stat(path);
  if (size > maxTableBytes) {
    return { content: '', problem: { found: `${size} bytes`, expected: `at most ${maxTableBytes}` } };
  }
  return { content: (await readPlainFile(path, maxTableBytes)).toString('utf8') };
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
