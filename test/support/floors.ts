/**
 * Whether pipeline/ is built as CONTRIBUTING.md says. Run by itself, `npx tsx test/support/floors.ts [root]` prints what
 * is wrong, then every room with its lines and the lowest floor that its imports allow.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCircles, readSource, sourceFiles, type SourceFile } from './imports.ts';
import { present } from './present.ts';

/** A row of the floor table. */
export interface Room {
  readonly floor: number;
  /** As the table names it, without the last slash: `stages/blocks`; below pipeline/, or beside it. */
  readonly name: string;
}

export interface House {
  readonly rooms: readonly Room[];
  /** By path from the root, with forward slashes. */
  readonly files: ReadonlyMap<string, SourceFile & { readonly room: Room | undefined }>;
  /** Path of a file from the root. */
  readonly nameOf: (file: string) => string;
}

/** Longer than others for a reason: a program that is copied to a device as one file. */
const longFiles = new Set(['pipeline/profile/measure-onnx.js']);
const maximumLines = 300;
const maximumShare = 0.1;

/** Rows of the table with the head `| floor | room | ... |`. */
export function readFloors(markdown: string): readonly Room[] {
  return [...markdown.matchAll(/^\| *(\d+) *\| *`([\w/-]+?)\/?` *\|/gm)].map(([, floor, name]) => ({
    floor: Number(floor),
    name: present(name),
  }));
}

/** A file belongs to the innermost room of the table that it lies in. */
export function readHouse(root: string): House {
  const rooms = readFloors(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'));
  const nameOf = (file: string) => relative(root, file).split(sep).join('/');
  const folderOf = (room: Room) => (isBeside(root, room) ? `${room.name}/` : `pipeline/${room.name}/`);
  const innermost = [...rooms].sort((a, b) => b.name.length - a.name.length);
  const folders = ['pipeline', ...rooms.filter((room) => isBeside(root, room)).map(({ name }) => name)];
  const files = folders.flatMap((folder) => sourceFiles(join(root, folder)));
  return {
    rooms,
    nameOf,
    files: new Map(
      files.map((file) => {
        const name = nameOf(file);
        const room = innermost.find((candidate) => name.startsWith(folderOf(candidate)));
        return [name, { ...readSource(file), room }];
      }),
    ),
  };
}

function isBeside(root: string, { name }: Room): boolean {
  return !existsSync(join(root, 'pipeline', name)) && existsSync(join(root, name));
}

/** All that is wrong, one line each; empty for a house in order. */
export function findOffences(house: House): string[] {
  return [
    ...findHomeless(house),
    ...findUpward(house),
    ...findCircular(house),
    ...findLong(house),
    ...findWide(house),
  ];
}

function findHomeless({ rooms, files }: House): string[] {
  const lived = new Set([...files.values()].map(({ room }) => room));
  return [
    ...[...files].flatMap(([name, { room }]) => (room === undefined ? [`no room: ${name}`] : [])),
    ...rooms.flatMap((room) => (lived.has(room) ? [] : [`nothing there: ${room.name}/`])),
  ];
}

function findUpward({ files, nameOf }: House): string[] {
  return [...files].flatMap(([name, { room, imports }]) =>
    imports.flatMap(({ kind, file }) => {
      const target = file === undefined ? undefined : files.get(nameOf(file));
      if (file === undefined || room === undefined || target?.room === undefined) return [];
      if (target.room === room || target.room.floor < room.floor) return [];
      const rooms = `${room.name} (${room.floor}) -> ${target.room.name} (${target.room.floor})`;
      return [`not downward: ${rooms}: ${name} -> ${nameOf(file)} (${kind})`];
    }),
  );
}

function findCircular(house: House): string[] {
  const edges = edgesOf(house);
  return findCircles(edges).map((circle) => {
    const members = circle.map((name) => {
      const next = (edges.get(name) ?? []).filter((other) => circle.includes(other));
      return `${name} -> ${next.map((other) => other.split('/').at(-1)).join(', ')}`;
    });
    return `circle: ${members.join('; ')}`;
  });
}

/** What one file needs of the others to be understood; a path for another process is none of that. */
function edgesOf({ files, nameOf }: House): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...files].map(([name, { imports }]) => {
      const targets = imports.flatMap(({ kind, file }) =>
        kind === 'path' || file === undefined ? [] : [nameOf(file)],
      );
      return [name, [...new Set(targets)].filter((target) => files.has(target))];
    }),
  );
}

function findLong({ files }: House): string[] {
  return [...files].flatMap(([name, { lines }]) =>
    lines > maximumLines && !longFiles.has(name) ? [`${lines} lines: ${name}`] : [],
  );
}

function findWide(house: House): string[] {
  const lines = linesByRoom(house);
  const total = [...lines.values()].reduce((a, b) => a + b, 0);
  return [...lines].flatMap(([name, count]) =>
    count > maximumShare * total
      ? [`too wide: ${name}/ has ${count} of ${total} lines, ${((100 * count) / total).toFixed(1)} %`]
      : [],
  );
}

/** Of pipeline/ alone. */
function linesByRoom({ files }: House): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  for (const [name, file] of files) {
    if (!name.startsWith('pipeline/')) continue;
    const room = file.room?.name ?? name.split('/')[1]!;
    lines.set(room, (lines.get(room) ?? 0) + file.lines);
  }
  return lines;
}

/** For every room: its lines, and one floor above the highest room that it imports from; NaN within a circle of rooms. */
export function lowestFloors(house: House): readonly { name: string; floor: number; lines: number }[] {
  const { rooms, files, nameOf } = house;
  const below = new Map(rooms.map(({ name }) => [name, new Set<string>()]));
  for (const { room, imports } of files.values()) {
    for (const { file } of imports) {
      const target = file === undefined ? undefined : files.get(nameOf(file))?.room;
      if (room !== undefined && target !== undefined && target !== room)
        below.get(room.name)?.add(target.name);
    }
  }
  const floorOf = (name: string, way: readonly string[]): number => {
    if (way.includes(name)) return NaN;
    return Math.max(-1, ...[...(below.get(name) ?? [])].map((other) => floorOf(other, [...way, name]))) + 1;
  };
  const lines = linesByRoom(house);
  return rooms
    .map(({ name }) => ({ name, floor: floorOf(name, []), lines: lines.get(name) ?? 0 }))
    .sort((a, b) => a.floor - b.floor || a.name.localeCompare(b.name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const house = readHouse(resolve(process.argv[2] ?? join(dirname(process.argv[1]), '../..')));
  const offences = findOffences(house);
  const table = lowestFloors(house).map(({ name, floor, lines }) => `${floor}\t${name}/\t${lines}`);
  console.log([...offences, '', `${offences.length} offences`, '', ...table].join('\n'));
}
