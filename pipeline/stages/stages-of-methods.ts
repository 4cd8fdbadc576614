import type { Stage } from '../runner/contract.ts';
import { stages as blocks } from './blocks/graph.ts';
import { stages as devit } from './devit/graph.ts';
import { stages as edVit } from './ed-vit/graph.ts';

/**
 * The stages of every method, the default method first. Apart from `methods.ts`, because a help that names them is not
 * to wait for the schemas of all configs.
 */
export const stagesOfMethods: Readonly<Record<string, readonly Pick<Stage<never>, 'name'>[]>> = {
  blocks,
  'ed-vit': edVit,
  devit,
};
