import { openLibrary } from '../../pipeline/library/open.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { fail } from '../../pipeline/util/failure.ts';

/** The FFN blocks of uniform models of a library: undefined for a width that it does not have. */
export type DistilledUnits = (width: number) => Promise<readonly FfnWeights[]> | undefined;

/**
 * @param path the library folder, its manifest, or the run that made it
 * @throws BlockForgeError `library-invalid` where it was made of another teacher; as `openLibrary`
 */
export async function openDistilledUnits(path: string, teacher: HostWeights): Promise<DistilledUnits> {
  const library = await openLibrary(path);
  const frame = await library.readFrame();
  const other = Object.entries(frame).find(
    ([name, { data }]) => !data.every((value, i) => value === teacher[name]?.data[i]),
  );
  if (other !== undefined) {
    fail({
      reason: 'library-invalid',
      subject: path,
      found: `another teacher: its ${other[0]} is not that of the config's`,
      expected: 'a library of the same teacher and the same classes',
      next: 'give the folder of a run of this config',
    });
  }
  const { blocks } = library.manifest;
  return (width) => {
    const ids = blocks.flatMap(({ descendants }) =>
      descendants.filter((one) => one.width === width).map(({ id }) => id),
    );
    return ids.length === blocks.length ? Promise.all(ids.map((id) => library.readFfn(id))) : undefined;
  };
}
