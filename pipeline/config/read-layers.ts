import { basename, dirname, resolve } from 'node:path';
import { readPlainFileSync } from '../util/plain-file.ts';
import { about, failureOf, systemFailure } from '../util/system-failure.ts';
import { expandEnvironment } from './expand.ts';
import type { Environment } from './expand.ts';
import type { ConfigNode, MapNode } from './node.ts';
import { parseYaml } from './parse.ts';
import type { Place, Problem } from './problem.ts';

const maxBytes = 1e6;
const maxLayers = 40;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * A config file and everything it extends, the deepest base first. `extends: other.yaml` is relative to the file it
 * stands in; what cannot be read, is no map, or extends itself is added to `problems`.
 */
export function readLayers(file: string, environment: Environment, problems: Problem[]): ConfigNode[] {
  const layers: ConfigNode[] = [];
  const seen = [file];
  let next: { file: string; from: Place } | undefined = {
    file,
    from: { source: file, folder: dirname(file) },
  };
  while (next !== undefined) {
    const layer = readLayer(next.file, next.from, problems);
    if (layer === undefined) break;
    const { base, rest } = takeExtends(layer, environment, problems);
    layers.unshift(rest);
    next = base;
    if (base === undefined) break;
    if (seen.length === maxLayers) {
      problems.push({
        place: base.from,
        path: ['extends'],
        message: `more than ${maxLayers} files extend each other`,
      });
      break;
    }
    if (seen.includes(base.file)) {
      const cycle = [...seen.slice(seen.indexOf(base.file)), base.file].map((path) => basename(path));
      const message = `goes in a circle: ${cycle.join(' -> ')}`;
      problems.push({ place: base.from, path: ['extends'], message });
      break;
    }
    seen.push(base.file);
  }
  return layers;
}

function readLayer(file: string, from: Place, problems: Problem[]): MapNode | undefined {
  let text: string;
  try {
    text = utf8.decode(readPlainFileSync(file, maxBytes));
  } catch (error) {
    const isFirst = from.source === file;
    // A file that the system refuses to read is no mistake in a config.
    if (isFirst && systemFailure(error) !== undefined) throw about(error, file);
    const message = whyUnreadable(error, file);
    problems.push({ place: from, path: isFirst ? [] : ['extends'], message });
    return undefined;
  }
  const source = { name: file, folder: dirname(file), hasLines: true };
  const before = problems.length;
  const root = parseYaml(text, source, problems);
  if (root.kind === 'map') return root;
  if (problems.length === before) {
    const isEmpty = root.kind === 'scalar' && root.value === null;
    const message = isEmpty
      ? 'the file is empty; a config needs at least "teacher" and "data"'
      : 'expected a map of settings ("key: value" lines)';
    problems.push({ place: root.place, path: [], message });
  }
  return undefined;
}

function whyUnreadable(error: unknown, file: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `no such file: ${file}`;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return `${file} is not UTF-8 text`;
  const failure = failureOf(error);
  if (failure === undefined) throw error;
  return `${file} cannot be read: ${failure.found}`;
}

/** The layer without its `extends`, and the file that named. */
function takeExtends(
  layer: MapNode,
  environment: Environment,
  problems: Problem[],
): { rest: MapNode; base?: { file: string; from: Place } } {
  const member = layer.members.get('extends');
  if (member === undefined) return { rest: layer };
  const rest: MapNode = {
    ...layer,
    members: new Map([...layer.members].filter(([key]) => key !== 'extends')),
  };
  const before = problems.length;
  const node = expandEnvironment(member.node, environment, problems, ['extends']);
  if (problems.length > before) return { rest };
  if (node.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') {
    const message = 'expected the name of one config file';
    problems.push({ place: member.keyPlace, path: ['extends'], message });
    return { rest };
  }
  return { rest, base: { file: resolve(node.place.folder, node.value), from: node.place } };
}
