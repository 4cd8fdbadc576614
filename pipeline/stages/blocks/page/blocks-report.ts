import type { ReportOf } from '../../common/method.ts';
import { blocksPage } from './blocks-page.ts';
import { comparedBlocks } from './compared.ts';

/** What the method `blocks` says of a run. */
export const blocksReport: ReportOf = { page: blocksPage, compared: comparedBlocks };
