import { fail } from '../util/failure.ts';

/** @throws BlockForgeError `file-missing`, `file-invalid`; what is no error of the system is thrown as it is */
export function refuseOpen(error: unknown, path: string): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  if (code === 'ENOENT') return fail({ reason: 'file-missing', subject: path, found: 'no such file' }, error);
  return fail({ reason: 'file-invalid', subject: path, found: `it cannot be opened (${code})` }, error);
}

/** The file is as large as this, which its size on disk does not prove to be reasonable: holes cost nothing. */
export function allocate(bytes: number, subject: string): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    return fail(
      { reason: 'file-invalid', subject, found: `${bytes} bytes, more than fit the memory` },
      error,
    );
  }
}

/**
 * Refuses weights that are not numbers: one NaN makes every output of the model one, and says nothing of where it was.
 * @param path,tensor for the message
 * @throws BlockForgeError `file-invalid`
 */
export function requireFinite(data: Float32Array, path: string, tensor: string): Float32Array {
  // Zero times a number is zero, but for NaN and infinity: a running model reads its blocks through here.
  let zero = 0;
  for (let i = 0; i < data.length; i++) zero += 0 * data[i]!;
  if (zero === 0) return data;
  const index = data.findIndex((value) => !Number.isFinite(value));
  return fail({
    reason: 'file-invalid',
    subject: `${path}, tensor ${tensor}`,
    found: `${data[index]} at index ${index}`,
    expected: 'finite weights',
    next: 'copy the file again, or make it again',
  });
}
