import { requireFinite } from '../model/finite.ts';
import type { HostTensor } from '../model/host-weights.ts';
import type { SafetensorsFile } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';

/**
 * The tensors of a file that must be in it, one at a time, each of its shape and finite.
 * @throws BlockForgeError `library-invalid` where one has another shape; `file-invalid`
 */
export async function* shapedTensors(
  file: SafetensorsFile,
  shapes: Readonly<Record<string, readonly number[]>>,
): AsyncGenerator<readonly [name: string, tensor: HostTensor]> {
  for (const [name, shape] of Object.entries(shapes)) {
    const { shape: found } = file.info(name);
    if (found.join() !== shape.join()) {
      fail({
        reason: 'library-invalid',
        subject: `${file.path}, tensor ${name}`,
        found: `shape [${found.join(', ')}]`,
        expected: `[${shape.join(', ')}], as the manifest's architecture has it`,
      });
    }
    yield [name, { shape, data: requireFinite(await file.read(name), file.path, name) }];
  }
}

/** Looks at all of them and keeps none. @throws as `shapedTensors` */
export async function checkTensors(...args: Parameters<typeof shapedTensors>): Promise<void> {
  const tensors = shapedTensors(...args);
  while (!(await tensors.next()).done);
}
