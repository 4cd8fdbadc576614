import type { WidthChoice } from '../../../measure/allocations.ts';
import { uniformId } from '../../../measure/measured.ts';
import type { ModelTensors } from '../../../model/backbone.ts';
import { disposeFfn, teacherFfn, uploadFfn, type FfnTensors } from '../../../model/ffn-tensors.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { indices } from '../../common/artefacts.ts';
import { distillJob, refitJob } from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { readDescendants } from './read.ts';

/** The descendants of a run on the engine. */
export interface UploadedDescendants {
  /** No block failed, so every composition can be made. */
  readonly complete: boolean;
  /** By block: the final descendants, widest first; undefined where the block failed. Not to be disposed. */
  readonly final: readonly (readonly FfnTensors[] | undefined)[];
  /** The same before training. */
  readonly refitted: readonly (readonly FfnTensors[] | undefined)[];
  /** The final FFN of a block by its hidden units; the teacher's own for its H. @throws Error for another width */
  ffn(block: number, width: number): FfnTensors;
  dispose(): void;
}

/** A model to sweep: an FFN for every block. */
export interface WholeModel {
  readonly id: string;
  readonly ffn: (block: number) => FfnTensors;
}

/**
 * @param steps of every block
 * @param kinds `refitted` too: only for the uniform models before training
 */
export async function uploadDescendants(
  context: JobContext,
  teacher: ModelTensors,
  steps: readonly UniformStep[],
  kinds: { readonly refitted: boolean },
): Promise<UploadedDescendants> {
  const { hidden, depth } = teacher.architecture;
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
      if (width === hidden) return teacherFfn(teacher, block);
      const found = final[block]?.[steps.findIndex((step) => step.width === width)];
      if (found === undefined) throw new Error(`block ${block} has no descendant of width ${width}`);
      return found;
    },
    dispose: () => {
      for (const ffn of [...refitted, ...final].flatMap((block) => block ?? [])) disposeFfn(ffn);
    },
  };
}

/** The models of one sparsity in every block, before and after distillation: none where a block failed. */
export function uniformModels(
  { final, refitted }: Pick<UploadedDescendants, 'final' | 'refitted'>,
  steps: readonly UniformStep[],
  distilled: boolean,
): WholeModel[] {
  const of = (kind: 'refit' | 'distilled', library: typeof final): WholeModel[] => {
    const blocks = library.filter((block) => block !== undefined);
    return blocks.length < library.length
      ? []
      : steps.map(({ sparsity }, step) => ({
          id: uniformId(sparsity, kind),
          ffn: (block) => blocks[block]![step]!,
        }));
  };
  return [...of('refit', refitted), ...(distilled ? of('distilled', final) : [])];
}

export function composedModels(
  library: UploadedDescendants,
  compositions: readonly WidthChoice[],
): WholeModel[] {
  return compositions.map(({ id, widths }) => ({ id, ffn: (block) => library.ffn(block, widths[block]!) }));
}
