import type { Architecture } from '../model/architecture.ts';
import { timmLabels } from './class-labels.ts';
import { fieldsOf, meaningOf, positiveOf, refuseField, sizeIn3, sizeOf, valueOf } from './document.ts';
import type { Document, Fields } from './document.ts';
import { fieldTables } from './fields.ts';
import type { PoolName } from './pool-name.ts';
import type { SideFacts } from './side-facts.ts';

const { timmConfig, timmPretrained, timmArguments, timmSwinArguments } = fieldTables;

const activations: Readonly<Record<string, Architecture['gelu']>> = {
  gelu: 'exact',
  gelu_tanh: 'tanh',
  quick_gelu: 'quick',
};
/** timm's own LayerNorm, with its epsilon. */
const norms = { layernorm: 1e-6, LayerNorm: 1e-6, layernormfp32: 1e-6, LayerNormFp32: 1e-6 };
const pools: Readonly<Record<string, PoolName>> = {
  token: 'class-token',
  avg: 'mean',
  max: 'max',
  map: 'attention',
};

/** What other arguments than the named model's own were given for: the name's sizes then do not count. */
const replaces = {
  embed_dim: 'width',
  depth: 'depth',
  depths: 'depth',
  patch_size: 'patchSize',
  swiglu_mlp: 'gated',
} as const;

/**
 * Files from before `pretrained_cfg` have its fields at the top level. As in timm, what the top level says of classes and
 * labels replaces what `pretrained_cfg` says, which may still be that of the weights that training began with.
 */
export function timmDocuments(
  path: string,
  fields: Fields,
): [config: Document, pretrained: Document, args: Document] {
  const whole: Document = { path, prefix: '', table: timmConfig, fields };
  const args: Document = {
    path,
    prefix: 'model_args.',
    table: /^swin_/.test(String(fields.architecture)) ? timmSwinArguments : timmArguments,
    fields: fieldsOf(whole, 'model_args') ?? {},
  };
  const nested = fieldsOf(whole, 'pretrained_cfg');
  const isOlder = (field: string): boolean => !knows(timmConfig, field) && knows(timmPretrained, field);
  const replaced = ['num_classes', 'label_names', 'label_descriptions'];
  return [
    nested === undefined ? { ...whole, fields: only(fields, (field) => !isOlder(field)) } : whole,
    nested === undefined
      ? { path, prefix: '', table: timmPretrained, fields: only(fields, isOlder) }
      : {
          path,
          prefix: 'pretrained_cfg.',
          table: timmPretrained,
          fields: only(nested, (field) => !(replaced.includes(field) && valueOf(whole, field) !== undefined)),
        },
    args,
  ];
}

/** @throws BlockForgeError `checkpoint-unsupported`, naming the field */
export function timmFacts([config, pretrained, args]: readonly [Document, Document, Document]): SideFacts {
  const { path } = config;
  const architectureName = valueOf(config, 'architecture');
  if (typeof architectureName !== 'string') return refuseField(config, 'architecture', 'a name');
  if (/respost|_rpn_|parallel|_sr?elpos/.test(architectureName)) {
    refuseField(
      config,
      'architecture',
      'a model with norms before its layers, one layer behind the other, and no relative positions',
      `architecture "${architectureName}"`,
    );
  }
  const pool = meaningOf(args, 'global_pool', pools) ?? meaningOf(config, 'global_pool', pools);
  if ((meaningOf(config, 'global_pool', pools) ?? pool) !== pool) {
    refuseField(args, 'global_pool', `what global_pool says: ${String(config.fields.global_pool)}`);
  }
  // The weights tell those of each stage of a Swin.
  const heads = args.table === timmSwinArguments ? undefined : positiveOf(args, 'num_heads');
  const epsilon = meaningOf(args, 'norm_layer', norms);
  const isGated = valueOf(args, 'swiglu_mlp');
  const gelu =
    // `Eva`, which alone has the argument, gives its gates SiLU and other blocks the exact GELU.
    (isGated === true ? 'silu' : meaningOf(args, 'act_layer', activations)) ??
    (architectureName.includes('quickgelu') ? activations.quick_gelu : undefined) ??
    (isGated === false ? 'exact' : undefined);
  const own = sizeOf(args, 'img_size');
  const sizes =
    own === undefined ? ['input_size', 'test_input_size'].map((field) => sizeIn3(pretrained, field)) : [own];
  return {
    architectureName,
    ...(heads !== undefined && { heads }),
    ...(epsilon !== undefined && { layerNormEpsilon: epsilon }),
    ...(gelu !== undefined && { gelu }),
    ...(pool !== undefined && { pool }),
    ...(valueOf(config, 'num_classes') === 0 && { isHeadless: true }),
    isPoolDoubtful: pool === 'mean' && valueOf(args, 'global_pool') === undefined,
    replaced: Object.entries(replaces).flatMap(([field, fact]) =>
      valueOf(args, field) === undefined ? [] : [fact],
    ),
    imageSizes: sizes.filter((size) => size !== undefined),
    classLabels: () => timmLabels(config.fields, pretrained.fields, path),
  };
}

function knows(table: Document['table'], field: string): boolean {
  return (
    table.harmless.includes(field) ||
    [table.used, table.agrees, table.shown, table.only].some((row) => Object.hasOwn(row, field))
  );
}

function only(fields: Fields, isWanted: (field: string) => boolean): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => isWanted(field)));
}
