import type { Preprocessing } from '../../datasets/contract.ts';
import type { Failure } from '../util/failure.ts';
import {
  imageSizeText,
  isDefaultFamily,
  isSameSize,
  withoutHead,
  type Architecture,
} from '../model/architecture.ts';
import { detectSwin } from './swin/naming.ts';
import { resolveSwinPool } from './swin/pool.ts';
import { readSwinShapes } from './swin/shapes.ts';
import { namedArchitecture } from './architectures.ts';
import type { ClassLabels } from './class-labels.ts';
import { assemble, type Assembly } from './assemble.ts';
import { checkArchitecture } from './check-architecture.ts';
import { findAnswer } from './find-answer.ts';
import { withoutIgnored } from './ignored.ts';
import { assumptions } from './assumptions.ts';
import { detectNaming, refuseUnknownNames, type Naming, type NamingName } from './naming.ts';
import { fetchFromHub, isHubName } from '../hub/hub.ts';
import { lookUpArchitecture } from './look-up-architecture.ts';
import { requireNormFirst } from './norm-order.ts';
import { locateCheckpoint, type StoredCheckpoint } from './locate.ts';
import { requireModelType } from './model-type.ts';
import { canonicalNaming, readOwnFile } from './own-file.ts';
import { requireReads, withOneHead } from './reads.ts';
import { readShapes } from './shapes.ts';
import { findPool, type FoundPool } from './find-pool.ts';
import { withToldNorm } from './pool.ts';
import { packedGates } from './packed.ts';
import { findPreparation } from './preparation.ts';
import { headsIn, withoutHeads } from './head.ts';
import { toldNaming } from './told-naming.ts';
import { listed } from './unsupported.ts';
import { checkAgainstWeights } from './check-fields.ts';
import type { InspectOptions } from './inspect-options.ts';
import { resolveUntold, type Untold } from './resolve-untold.ts';

export type { ArchitectureHints, InspectOptions } from './inspect-options.ts';
import { readSideConfig } from './side-config.ts';

/** Everything about a checkpoint except its numbers. */
export interface Inspection {
  readonly architecture: Architecture;
  readonly naming: NamingName;
  /** The files the result depends on: weights, and the config files that were read. */
  readonly files: readonly string[];
  /** What the weights were trained with, where that is known. */
  readonly preprocessing?: Preprocessing;
  /** Why what the files beside the weights say of it cannot be had; `data.preprocessing` may say it instead. */
  readonly preprocessingProblem?: Failure;
  /** What the config beside the weights calls the outputs; as many as it names. @throws BlockForgeError `file-invalid` */
  readonly classLabels: () => ClassLabels | undefined;
  /** The fields that say it, as `ignoreFields` names them. */
  readonly classLabelFields: readonly string[];
  /** Where each fact that shapes cannot tell came from. */
  readonly origin: Readonly<Record<Untold, string> & { pool?: string }>;
  /** Canonical name -> how the stored tensors make it. */
  readonly tensors: Assembly['tensors'];
  /** What is left out, folded or taken to be zero. */
  readonly notes: readonly string[];
}

/**
 * Reads headers and config files only, so that planning is instant; loads no engine.
 * `path`: a safetensors file, a folder with one, or `hf:owner/name[@revision]`, which is downloaded first.
 * @throws BlockForgeError `file-missing`, `file-invalid`, `checkpoint-unsupported`, `config-invalid`, `download-failed`
 */
export async function inspectCheckpoint(path: string, options: InspectOptions = {}): Promise<Inspection> {
  const local = isHubName(path) ? await fetchFromHub(path, options.hub) : path;
  const found = await locateCheckpoint(local, options.architectureName);
  const { hints, headless } = options;
  const whole = { ...found, tensors: withoutIgnored(found, hints?.ignore) };
  const own = readOwnFile(whole);
  const isTold = own !== undefined || options.names !== undefined;
  const swin = isTold ? undefined : detectSwin(whole, { ...hints, headless });
  const naming = withToldNorm(
    own?.architecture === undefined
      ? withOneHead(swin ?? namingOf(whole, options), hints?.reads)
      : canonicalNaming,
    hints?.normAfterPool,
  );
  const normNotes = requireNormFirst(whole.path, naming, hints);
  const side = await readSideConfig(whole.folder, hints?.ignoreFields);
  if (swin === undefined) requireModelType(whole, naming, side.documents);
  const { isHeadless, answer } = findAnswer(whole, naming, own, side, options);
  const stored = isHeadless ? withoutHeads(whole, naming.heads) : whole;
  const name = options.architectureName ?? side.architectureName;
  const known = name === undefined ? undefined : namedArchitecture(name);
  const toldSizes = [hints?.imageSize, own?.imageSize, ...side.imageSizes, known?.facts.imageSize].filter(
    (size) => size !== undefined,
  );
  const swinFacts = swin && readSwinShapes(stored, swin, toldSizes, isHeadless);
  const reads = hints?.reads;
  requireReads(stored.path, reads, naming, own?.architecture);
  const facts =
    own?.architecture ??
    swinFacts ??
    readShapes(stored, naming, toldSizes, {
      headless: isHeadless,
      reads,
      isNamedRotary: known?.facts.rotary === true,
    });
  const named = lookUpArchitecture(
    options.architectureName,
    side,
    facts,
    stored.path,
    (hints?.gelu ?? side.gelu) !== undefined,
  );
  const {
    values,
    origin,
    notes: hintNotes,
  } = resolveUntold(stored, options, own?.untold ?? facts, side, named);
  const pooling: FoundPool =
    swin === undefined
      ? findPool(whole, naming, facts, {
          hints,
          own,
          side,
          named,
          given: options.architectureName,
          name,
        })
      : resolveSwinPool(stored.path, hints?.pool);
  const { pool } = pooling;
  const told: Architecture = { ...facts, ...values, ...(pool && { pool }), ...(answer && { answer }) };
  const architecture = isHeadless ? withoutHead(told) : told;
  checkArchitecture(stored.path, architecture, naming, { heads: origin.heads, hints });
  const { tensors, notes } = assemble(stored, naming, architecture);
  const { imageSize, channels } = architecture;
  const isSizeVouched = hints?.imageSize !== undefined;
  const isSizeChosen = isSizeVouched && (architecture.rotary === true || swin !== undefined);
  const isClassTokenUnplaced = isUnplaced(architecture, tensors);
  if (own === undefined) {
    // Of a model with registers alone timm says it of those.
    const arePrefixesUnplaced =
      architecture.classToken === false ? tensors.reg_token?.plus === undefined : isClassTokenUnplaced;
    const facts = { ...architecture, isClassTokenUnplaced: arePrefixesUnplaced, isSizeChosen };
    for (const document of side.documents) checkAgainstWeights(document, facts, [...stored.tensors.keys()]);
  }
  // Of a published name, of timm's own argument and of its DINOv3 the order is known.
  const isGateOpen =
    own === undefined &&
    architecture.gated === true &&
    architecture.rotary !== true &&
    named?.facts.gated !== true &&
    !side.replaced.includes('gated');
  const prepared = findPreparation({ imageSize, channels, isSizeVouched }, own, side, named, name);
  return {
    architecture,
    naming: naming.name,
    files: [...stored.files, ...side.files],
    ...(prepared.preprocessing && { preprocessing: prepared.preprocessing }),
    ...(prepared.preprocessingProblem && { preprocessingProblem: prepared.preprocessingProblem }),
    classLabels: side.classLabels ?? (() => undefined),
    classLabelFields: side.labelFields,
    origin: { ...origin, ...(pooling.origin !== undefined && { pool: pooling.origin }) },
    tensors,
    notes: [
      ...naming.notes,
      ...normNotes,
      ...(own === undefined && architecture.rotary === true
        ? [`no positions are stored: rotary as DINOv3's, for images of ${imageSizeText(imageSize)}`]
        : []),
      ...(stored.tensors.size < whole.tensors.size
        ? [`left out: the head (${listed(headsIn(whole, naming.heads))})`]
        : []),
      ...hintNotes,
      ...pooling.notes,
      ...(isGateOpen ? packedGates(naming) : []),
      ...notes,
      ...(own === undefined
        ? assumptions({
            imageSize,
            isSizeTold: toldSizes.some((size) => isSameSize(size, imageSize)),
            isClassTokenUnplaced,
            isPoolTold:
              pooling.origin !== undefined ||
              ['huggingface', 'torchvision'].includes(naming.name) ||
              named !== undefined ||
              !isDefaultFamily(architecture.family),
          })
        : []),
      ...prepared.notes,
    ],
  };
}

/** Whether the positions that are stored are none of the class token's. */
function isUnplaced(
  { rotary, relativePositionBias }: Architecture,
  { pos_embed }: Assembly['tensors'],
): boolean {
  const [position] = pos_embed?.parts ?? [];
  return position !== undefined && 'zeros' in position && rotary !== true && relativePositionBias !== true;
}

function namingOf(stored: StoredCheckpoint, { hints, names, headless }: InspectOptions): Naming {
  if (names !== undefined) return toldNaming(stored, names, hints);
  return detectNaming(stored, { ...hints, headless }) ?? refuseUnknownNames(stored);
}
