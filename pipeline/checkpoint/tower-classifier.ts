import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming-contract.ts';
import type { NamingTable } from './naming-table.ts';

/**
 * A library's table as its class of classifiers has it, where the file is of that: with the head beside the model in place of a projection.
 * @param prefix of the model in the file
 * @returns the table as it is where the file has no such head, and nothing more to say of the file's names
 */
export function asClassifier(
  { tensors }: StoredCheckpoint,
  table: NamingTable,
  prefix: string,
): { readonly table: NamingTable; readonly more: Partial<Naming> } {
  const { own, frame } = table;
  const isOwn = own?.test(prefix) === true;
  const beside = isOwn ? prefix.replace(own, (match) => (match.startsWith('.') ? '.' : '')) : '';
  const [token = ''] = frame.cls_token ?? [];
  const classifier = table.classifiers?.find(
    ({ head, classToken }) =>
      isOwn && tensors.has(`${beside}${head}.weight`) && tensors.has(`${prefix}${token}`) === classToken,
  );
  if (classifier === undefined) return { table, more: {} };
  const { head, pool, title, idle } = classifier;
  return {
    table: { ...table, head, projection: undefined, isHeadAlone: true },
    more: {
      pool,
      notes: [
        `taken for transformers' ${title}, whose head reads ${pool === 'mean' ? 'the mean of the normalised tokens' : 'the mean of the patches before the last norm'}; else teacher.hints.pool`,
      ],
      isOther: (name) => !name.startsWith(prefix) || idle.some((part) => name.startsWith(prefix + part)),
    },
  };
}
