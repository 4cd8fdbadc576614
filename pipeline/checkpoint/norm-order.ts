import { geluNames, type Gelu } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import type { Naming } from './naming-contract.ts';

/**
 * Where the norms of blocks stand, which no weight tells: before attention and FFN, or the model is none that is read.
 * @param hints `normFirst` and `gelu` of `teacher.hints`
 * @returns what is assumed, for people
 * @throws BlockForgeError `checkpoint-unsupported`: post-norm, or nn.TransformerEncoderLayer of which nothing is said
 */
export function requireNormFirst(
  path: string,
  { norms }: Pick<Naming, 'norms'>,
  { normFirst, gelu }: { readonly normFirst?: boolean | undefined; readonly gelu?: Gelu | undefined } = {},
): readonly string[] {
  if (normFirst === false) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: 'post-norm blocks, with norms behind attention and FFN (teacher.hints.normFirst: false)',
      expected: 'pre-norm blocks: x + attention(norm(x)), then x + FFN(norm(x)); post-norm is not supported',
    });
  }
  if (norms === 'open' && (normFirst === undefined || gelu === undefined)) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found:
        'layers of nn.TransformerEncoderLayer, whose weights tell neither where the norms stand nor the activation; its defaults are post-norm and ReLU',
      expected: 'a model that was made with norm_first=True (post-norm is not supported), and its activation',
      next: `where that is so: teacher.hints: { normFirst: true, gelu: ${geluNames.join(' | ')} }`,
    });
  }
  return norms === 'assumed' && normFirst === undefined
    ? [
        'nothing tells where the norms of blocks stand: before attention and FFN (pre-norm) is assumed; teacher.hints.normFirst: true says so',
      ]
    : [];
}
