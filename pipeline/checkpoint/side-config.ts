import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Preprocessing } from '../../datasets/contract.ts';
import { readJson } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { isRecord } from '../util/foreign-value.ts';
import { checkKnown } from './check-fields.ts';
import { fieldsOf, valueOf, type Document, type Fields } from './document.ts';
import { fieldTables, type FieldTable } from './fields.ts';
import { huggingfaceFacts, pairFacts, visionOf } from './huggingface-config.ts';
import { processorPreparation } from './processor-preparation.ts';
import type { PreparedModel, SideFacts } from './side-facts.ts';
import { timmDocuments, timmFacts } from './timm-config.ts';
import { timmPreparation } from './timm-preparation.ts';

export interface SideConfig extends SideFacts {
  /** Files that were read. */
  readonly files: readonly string[];
  /** Those that name the classes, as `ignored` names them. */
  readonly labelFields: readonly string[];
  /** To be compared with the weights (`checkAgainstWeights`). */
  readonly documents: readonly Document[];
  /**
   * How images are prepared, undefined where nothing tells; asked for apart, because a user may say it instead.
   * @throws BlockForgeError `checkpoint-unsupported` for what cannot be had, or contradicts the model or itself
   */
  prepare(model: PreparedModel): Preprocessing | undefined;
}

const nothing: SideConfig = {
  files: [],
  labelFields: [],
  documents: [],
  replaced: [],
  imageSizes: [],
  prepare: () => undefined,
};

/**
 * `config.json` (Hugging Face or timm) and Hugging Face's `preprocessor_config.json` in `folder`: every field is used,
 * compared, known not to matter, or refused (`fieldTables`).
 * @param ignored fields that the user vouches for, as messages name them; `config-invalid` where there is no such field
 * @throws BlockForgeError `file-invalid`; `checkpoint-unsupported` for models that differ in more than sizes.
 */
export async function readSideConfig(folder: string, ignored: readonly string[] = []): Promise<SideConfig> {
  const path = join(folder, 'config.json');
  const processorPath = join(folder, 'preprocessor_config.json');
  const config = await readFields(path);
  const processor = await readFields(processorPath);
  checkIgnored(ignored, [config, processor]);
  const processorFields = processor && without(processor, ignored);
  const files = [...(config ? [path] : []), ...(processor ? [processorPath] : [])];
  const prepareBy = (modelType: unknown) => (model: PreparedModel) =>
    processorFields && prepareByProcessor(processorPath, processorFields, modelType, model);
  if (config === undefined) return { ...nothing, files, prepare: prepareBy(undefined) };
  const fields = without(config, ignored);
  if (valueOf({ path, prefix: '', table: fieldTables.timmConfig, fields }, 'architecture') === undefined) {
    const table = huggingfaceTable(fields);
    const document: Document = { path, prefix: '', table, fields };
    checkKnown(document);
    const vision = visionOf(document);
    if (vision !== undefined) checkKnown(vision);
    const documents = [document, ...(vision === undefined ? [] : [vision])];
    return {
      files,
      labelFields: labelFields(fields),
      documents,
      ...(vision === undefined ? huggingfaceFacts(document) : pairFacts(document, vision)),
      prepare: prepareBy(fields.model_type),
    };
  }
  const [whole, pretrained, args] = timmDocuments(path, fields);
  checkKnown(whole);
  checkKnown(args);
  return {
    files,
    labelFields: labelFields(fields),
    documents: [whole, pretrained, args],
    ...timmFacts([whole, pretrained, args]),
    prepare(model) {
      checkKnown(pretrained);
      const own = timmPreparation(pretrained, args, model);
      const other = prepareBy(undefined)(model);
      if (own === undefined || other === undefined || isSamePreparation(own, other)) return own ?? other;
      return fail({
        reason: 'checkpoint-unsupported',
        subject: processorPath,
        found: `${told(other)}, where ${path} says ${told(own)}`,
        expected: 'two files that agree',
        next: 'remove the one that is wrong, or say it in data.preprocessing',
      });
    },
  };
}

function huggingfaceTable({ model_type: modelType, vision_config }: Fields): FieldTable {
  const { huggingfaceSwin, huggingfaceDino, huggingfaceTower, huggingfacePair, huggingfaceBeit } =
    fieldTables;
  const tables = [huggingfaceSwin, huggingfaceDino, huggingfaceTower, huggingfacePair, huggingfaceBeit];
  const known = tables.find(({ only }) => only.model_type?.includes(modelType));
  // So that others of two towers are refused for what they are.
  return known ?? (isRecord(vision_config) ? huggingfacePair : fieldTables.huggingfaceConfig);
}

function prepareByProcessor(
  path: string,
  fields: Fields,
  modelType: unknown,
  model: PreparedModel,
): Preprocessing | undefined {
  const document: Document = { path, prefix: '', table: fieldTables.processorConfig, fields };
  checkKnown(document);
  if (valueOf(document, 'image_processor_type') !== 'TimmWrapperImageProcessor') {
    return processorPreparation(document, modelType, model);
  }
  const field = valueOf(document, 'pretrained_cfg') === undefined ? 'data_config' : 'pretrained_cfg';
  const table = fieldTables.timmPretrained;
  const pretrained: Document = { path, prefix: `${field}.`, table, fields: fieldsOf(document, field) ?? {} };
  checkKnown(pretrained);
  const args: Document = { path, prefix: '', table: fieldTables.timmArguments, fields: {} };
  return timmPreparation(pretrained, args, { ...model, isSizeVouched: true });
}

function isSamePreparation(a: Preprocessing, b: Preprocessing): boolean {
  return told(a) === told(b);
}

function told({ resize, resizeMode, interpolation, mean, std }: Preprocessing): string {
  const rounded = [mean, std].map((list) => list.map((value) => Number(value.toPrecision(6))).join(' '));
  return `${resizeMode} ${JSON.stringify(resize)} ${interpolation}, mean ${rounded.join(', std ')}`;
}

async function readFields(path: string): Promise<Fields | undefined> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return undefined;
  const value = await readJson<unknown>(path);
  if (!isRecord(value)) return fail({ reason: 'file-invalid', subject: path, found: 'not a JSON object' });
  return value;
}

function labelFields(fields: Fields): string[] {
  const names = (place: Fields) =>
    ['label_names', 'labels', 'id2label', 'label2id'].filter((name) => Object.hasOwn(place, name));
  const inner = isRecord(fields.pretrained_cfg) ? names(fields.pretrained_cfg) : [];
  return [...names(fields), ...inner.map((name) => `pretrained_cfg.${name}`)];
}

const nested = ['pretrained_cfg', 'model_args', 'vision_config', 'vision_config_dict'];

/** Without the fields that are named plainly or, inside an object, as `model_args.name`. */
function without(fields: Fields, ignored: readonly string[]): Fields {
  const kept = Object.entries(fields).filter(([field]) => !ignored.includes(field));
  return Object.fromEntries(
    kept.map(([field, value]) => {
      if (!nested.includes(field) || !isRecord(value)) return [field, value];
      const inner = ignored.filter((name) => name.startsWith(`${field}.`));
      return [field, without(value, inner.map((name) => name.slice(field.length + 1)))]; // prettier-ignore
    }),
  );
}

function checkIgnored(ignored: readonly string[], documents: readonly (Fields | undefined)[]): void {
  const idle = ignored.find((name) => {
    const [outer = '', ...inner] = nested.some((field) => name.startsWith(`${field}.`))
      ? name.split('.')
      : [name];
    return !documents.some((fields) => {
      const place = inner.length === 0 ? fields : fields?.[outer];
      return isRecord(place) && Object.hasOwn(place, inner.length === 0 ? outer : inner.join('.'));
    });
  });
  if (idle === undefined) return;
  fail({
    reason: 'config-invalid',
    subject: 'teacher.hints.ignoreFields',
    found: `"${idle}"`,
    expected:
      'a field of config.json or preprocessor_config.json beside the weights, as messages name it (model_args.name)',
    next: 'remove it from the list',
  });
}
