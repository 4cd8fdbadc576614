import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Preprocessing } from '../../datasets/contract.ts';
import { readJson } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import type { Architecture } from '../model/architecture.ts';
import { huggingfaceLabels, timmLabels, type ClassLabels } from './class-labels.ts';
import type { PoolName } from './pool.ts';

/** What the files beside the weights tell. */
export interface SideConfig {
  /** Files that were read. */
  readonly files: readonly string[];
  readonly heads?: number;
  readonly layerNormEpsilon?: number;
  readonly gelu?: Architecture['gelu'];
  readonly pool?: PoolName;
  /** timm: the architecture's name. */
  readonly architectureName?: string;
  readonly preprocessing?: Omit<Preprocessing, 'crop' | 'channels'>;
  /** Read when asked for: damaged labels are no obstacle to who gives his own. @throws BlockForgeError `file-invalid` */
  readonly classLabels?: () => ClassLabels | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * `config.json` (Hugging Face or timm) and Hugging Face's `preprocessor_config.json` in `folder`.
 * @throws BlockForgeError `file-invalid`; `checkpoint-unsupported` for models that differ in more than sizes.
 */
export async function readSideConfig(folder: string): Promise<SideConfig> {
  const path = join(folder, 'config.json');
  const config = await readFields(path);
  if (config === undefined) return { files: [] };
  if (typeof config.architecture === 'string') return { files: [path], ...fromTimm(config, path) };
  const processorPath = join(folder, 'preprocessor_config.json');
  const processor = await readFields(processorPath);
  const preprocessing = processor && fromProcessor(processor);
  return {
    files: processor === undefined ? [path] : [path, processorPath],
    ...fromHuggingface(config, path),
    ...(preprocessing !== undefined && { preprocessing }),
  };
}

async function readFields(path: string): Promise<Fields | undefined> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return undefined;
  const value = await readJson<unknown>(path);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail({ reason: 'file-invalid', subject: path, found: 'not a JSON object' });
  }
  return value as Fields;
}

function unsupported(path: string, found: string, expected: string): never {
  return fail({ reason: 'checkpoint-unsupported', subject: path, found, expected });
}

function fromHuggingface(config: Fields, path: string): Partial<SideConfig> {
  const { model_type: type, hidden_act: activation } = config;
  if (typeof type === 'string' && type !== 'vit' && type !== 'deit') {
    unsupported(path, `model_type "${type}"`, '"vit" or "deit"');
  }
  let gelu: Architecture['gelu'] | undefined;
  if (activation === 'gelu') gelu = 'exact';
  else if (activation === 'gelu_new' || activation === 'gelu_pytorch_tanh') gelu = 'tanh';
  else if (activation !== undefined) {
    unsupported(
      path,
      `hidden_act ${JSON.stringify(activation)}`,
      '"gelu", "gelu_new" or "gelu_pytorch_tanh"',
    );
  }
  const heads = number(config.num_attention_heads);
  const epsilon = number(config.layer_norm_eps);
  return {
    ...(heads !== undefined && { heads }),
    ...(epsilon !== undefined && { layerNormEpsilon: epsilon }),
    ...(gelu !== undefined && { gelu }),
    classLabels: () => huggingfaceLabels(config, path),
  };
}

/** Pillow's numbers for its filters. */
const resamplings = ['nearest', 'lanczos', 'bilinear', 'bicubic'] as const;

function fromProcessor(processor: Fields): SideConfig['preprocessing'] {
  const { size, image_mean: mean, image_std: std, resample, do_resize: resizes } = processor;
  const interpolation = resamplings[number(resample) ?? -1];
  if (!isNumbers(mean) || !isNumbers(std) || interpolation === undefined) return undefined;
  if (resizes === false || processor.do_normalize === false) {
    return undefined;
  }
  const sides = typeof size === 'object' && size !== null ? (size as Fields) : { height: size, width: size };
  const shortest = number(sides.shortest_edge);
  const common = { interpolation, mean, std };
  if (shortest !== undefined) return { resize: shortest, resizeMode: 'shortest', ...common };
  const height = number(sides.height);
  if (height === undefined || height !== number(sides.width)) return undefined;
  // DeiT stretches to a larger square and then crops: the crop is the model's image size.
  return { resize: height, resizeMode: 'stretch', ...common };
}

function fromTimm(config: Fields, path: string): Partial<SideConfig> {
  const architectureName = config.architecture as string;
  const pool = config.global_pool;
  if (typeof pool === 'string' && pool !== 'token' && pool !== 'avg' && pool !== '') {
    unsupported(
      path,
      `global_pool "${pool}"`,
      '"token" or "avg": a head on the class token or the mean of the patches',
    );
  }
  if (/respost|_rpn_|parallel|_sr?elpos|quickgelu|swiglu/.test(architectureName)) {
    unsupported(path, `architecture "${architectureName}"`, 'a plain pre-norm vit_* or deit_*');
  }
  const given = (config.pretrained_cfg ?? config) as Fields;
  const preprocessing = fromPretrainedConfig(given);
  return {
    architectureName,
    ...(pool === 'token' && { pool: 'class-token' as const }),
    ...(pool === 'avg' && { pool: 'mean' as const }),
    ...(preprocessing !== undefined && { preprocessing }),
    classLabels: () => timmLabels(config, given, path),
  };
}

function fromPretrainedConfig(given: Fields): SideConfig['preprocessing'] {
  const { mean, std, interpolation, crop_pct: share, input_size: input, crop_mode: mode } = given;
  const side = Array.isArray(input) ? number(input[1]) : undefined;
  const part = number(share);
  const known = ['bicubic', 'bilinear', 'nearest', 'lanczos'] as const;
  const filter = known.find((name) => name === interpolation);
  if (
    !isNumbers(mean) ||
    !isNumbers(std) ||
    side === undefined ||
    part === undefined ||
    filter === undefined
  ) {
    return undefined;
  }
  if (mode !== undefined && mode !== 'center' && mode !== 'squash') return undefined;
  // The rounding is timm's: floor(224 / 0.9) = 248.
  return {
    resize: Math.floor(side / part),
    resizeMode: mode === 'squash' ? 'stretch' : 'shortest',
    interpolation: filter,
    mean,
    std,
  };
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number');
}
