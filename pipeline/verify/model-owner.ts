import { showValue } from '../util/show-value.ts';
import { weightPaths, type ModelManifest } from '../compose/model-manifest.ts';
import { compositionFile } from '../compose/open-model.ts';
import type { Library } from '../library/open.ts';
import type { Finding } from './finding.ts';

/** What a model must share with the library it lies in. Its files are already known to be what it says they are. */
export function ownerProblems(
  library: Library,
  /** Of the library. */
  manifestSha256: string,
  { library: origin, descendants, widths, files }: ModelManifest,
): Omit<Finding, 'check'>[] {
  if (origin.manifestSha256 !== manifestSha256) {
    return [
      {
        file: compositionFile,
        found: `made from another export of this library: manifest ${origin.manifestSha256}`,
        expected: `manifest ${manifestSha256}`,
      },
    ];
  }
  const { frame, blocks } = weightPaths(widths);
  const known = new Map(
    library.manifest.blocks.flatMap((block) => block.descendants.map(({ id, file }) => [id, file.sha256])),
  );
  const hashOf = (path: string) => files.find((file) => file.path === path)!.sha256;
  const expected: [path: string, id: string, sha256: string | undefined][] = [
    [frame, 'the frame', library.manifest.frame.sha256],
    ...blocks.map((path, block): [string, string, string | undefined] => [
      path,
      descendants[block],
      known.get(descendants[block]),
    ]),
  ];
  return expected.flatMap(([path, id, sha256]) => {
    if (sha256 === hashOf(path)) return [];
    if (sha256 === undefined)
      return [{ file: compositionFile, found: `no descendant ${showValue(id)} in this library` }];
    return [{ file: path, found: `not ${id} of this library`, expected: `sha256 ${sha256}` }];
  });
}
