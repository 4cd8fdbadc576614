import type { JobContext } from '../../../runner/contract.ts';
import type { FfnTensors } from '../../../model/vit.ts';
import { distillJob, indices, refitJob } from '../artefacts.ts';
import { descents } from '../shape.ts';

/** The descendants of a run on the engine. */
export interface UploadedDescendants {
  /** No block failed, so every composition can be made. */
  readonly complete: boolean;
  /** By block: the final descendants, widest first; undefined where the block failed. Not to be disposed. */
  readonly final: readonly (readonly FfnTensors[] | undefined)[];
  /** The same before training. */
  readonly refitted: readonly (readonly FfnTensors[] | undefined)[];
  /** The final FFN of a block by its hidden units; undefined for the teacher's H. @throws Error for another width */
  ffn(block: number, width: number): FfnTensors | undefined;
  dispose(): void;
}

/** @param kinds `refitted` too: only for the uniform models before training */
export async function uploadDescendants(
  context: JobContext,
  kinds: { readonly refitted: boolean },
): Promise<UploadedDescendants> {
  const { disposeFfn, uploadFfn } = await import('../../../model/vit.ts');
  const { readDescendants } = await import('./read.ts');
  const { hidden, depth } = context.architecture;
  const widths = descents(context.loaded.config, hidden).map(({ width }) => width);
  const upload = async (jobOf: (block: number) => string) =>
    Promise.all(
      indices(depth).map(async (block) => {
        const folder = context.optionalInput(jobOf(block));
        return folder === undefined
          ? undefined
          : (await readDescendants(folder)).map(({ weights }) => uploadFfn(weights));
      }),
    );
  const refitted = kinds.refitted ? await upload(refitJob) : indices(depth).map(() => undefined);
  const final = await upload(distillJob);
  return {
    complete: final.every((block) => block !== undefined),
    final,
    refitted,
    ffn(block, width) {
      if (width === hidden) return undefined;
      const found = final[block]?.[widths.indexOf(width)];
      if (found === undefined) throw new Error(`block ${block} has no descendant of width ${width}`);
      return found;
    },
    dispose: () => {
      for (const ffn of [...refitted, ...final].flatMap((block) => block ?? [])) disposeFfn(ffn);
    },
  };
}
