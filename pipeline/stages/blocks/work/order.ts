import { join } from 'node:path';
import type { BlocksConfig } from '../schema.ts';
import { writeSafetensors } from '../../../model/safetensors.ts';
import { orderBlock } from '../../../compress/order/criteria.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import type { Json } from '../../../util/hash.ts';
import { files } from '../artefacts.ts';
import { readEvidence, readTeacherFfn } from './read.ts';

export type OrderSettings = BlocksConfig['order'] & { readonly block: number; readonly shards: number };

/**
 * Sorts the hidden units of one block, most worth keeping first; every narrower width is a prefix of it.
 * Reads: statistics, the teacher's block. Writes: order.safetensors (units, predicted error of every width).
 * Costs: about H^3 multiply-adds in float64.
 */
export async function run({ settings }: Job<OrderSettings>, context: JobContext): Promise<Json> {
  const { criterion, ridge, block, shards } = settings;
  const evidence = await readEvidence(context, block, shards);
  const weights = await readTeacherFfn(context, block);
  const { units, predictedError } = orderBlock({ criterion, ridge }, weights, evidence);
  await writeSafetensors(
    join(context.folder, files.order),
    {
      units: { shape: [units.length], data: units },
      ...(predictedError && { predictedError: { shape: [predictedError.length], data: predictedError } }),
    },
    { criterion, ridge: String(ridge) },
  );
  return { criterion, tokens: evidence.statistics.count };
}
