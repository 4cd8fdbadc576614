import type { HostTensor, HostWeights } from '../model/host-weights.ts';
import { requireFinite } from '../model/untrusted-file.ts';
import { fail } from '../util/failure.ts';

/**
 * The tensors of a file that must be in it, each of its shape and finite.
 * @param path for messages
 * @throws BlockForgeError `file-invalid`
 */
export function takeShaped(
  file: Readonly<Record<string, HostTensor>>,
  shapes: Readonly<Record<string, readonly number[]>>,
  path: string,
): HostWeights {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const tensor = Object.hasOwn(file, name) ? file[name] : undefined;
      if (tensor?.shape.join() !== shape.join()) {
        fail({
          reason: 'file-invalid',
          subject: `${path}, tensor ${name}`,
          found: tensor === undefined ? 'not there' : `shape [${tensor.shape.join(', ')}]`,
          expected: `[${shape.join(', ')}]`,
          next: 'copy the library again, or export it again',
        });
      }
      requireFinite(tensor.data, path, name);
      return [name, tensor];
    }),
  );
}
