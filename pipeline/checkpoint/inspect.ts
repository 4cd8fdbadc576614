import type { Preprocessing } from '../../datasets/contract.ts';
import { fail, type Failure } from '../util/failure.ts';
import {
  imageSizeText,
  familyProblem,
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
import { poolHints, requirePoolOf, withToldNorm } from './pool.ts';
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
  const whole = { ...found, tensors: withoutIgnored(found, options.hints?.ignore) };
  const own = readOwnFile(whole);
  const { headless } = options;
  const isTold = own !== undefined || options.names !== undefined;
  const swin = isTold ? undefined : detectSwin(whole, { ...options.hints, headless });
  const naming = withToldNorm(
    own?.architecture === undefined
      ? withOneHead(swin ?? namingOf(whole, options), options.hints?.reads)
      : canonicalNaming,
    options.hints?.normAfterPool,
  );
  const normNotes = requireNormFirst(whole.path, naming, options.hints);
  const side = await readSideConfig(whole.folder, options.hints?.ignoreFields);
  if (swin === undefined) requireModelType(whole, naming, side.documents);
  const hasHead = naming.heads.some((head) => whole.tensors.has(`${head}.weight`) || whole.tensors.has(head));
  const isHeadless =
    headless === true ||
    own?.untold.answer === 'pooled' ||
    ((side.isHeadless === true || naming.projects === true || naming.isTower === true) && !hasHead);
  const isProjecting = naming.projects === true || options.projects === true;
  if (options.projects === true && isHeadless) refuseWithoutHead(whole.path);
  const answer = own?.untold.answer ?? (isProjecting && !isHeadless ? 'projected' : undefined);
  const stored = isHeadless ? withoutHeads(whole, naming.heads) : whole;
  const name = options.architectureName ?? side.architectureName;
  const known = name === undefined ? undefined : namedArchitecture(name);
  const toldSizes = [
    options.hints?.imageSize,
    own?.imageSize,
    ...side.imageSizes,
    known?.facts.imageSize,
  ].filter((size) => size !== undefined);
  const swinFacts = swin && readSwinShapes(stored, swin, toldSizes, isHeadless);
  const reads = options.hints?.reads;
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
    (options.hints?.gelu ?? side.gelu) !== undefined,
  );
  const {
    values,
    origin,
    notes: hintNotes,
  } = resolveUntold(stored, options, own?.untold ?? facts, side, named);
  const pooling: FoundPool =
    swin === undefined
      ? findPool(whole, naming, facts, {
          hints: options.hints,
          own,
          side,
          named,
          given: options.architectureName,
          name,
        })
      : resolveSwinPool(stored.path, options.hints?.pool);
  const { pool } = pooling;
  const told: Architecture = { ...facts, ...values, ...(pool && { pool }), ...(answer && { answer }) };
  const architecture = isHeadless ? withoutHead(told) : told;
  requirePoolOf(stored.path, architecture, naming.isNormAfterPool);
  const problem = familyProblem(architecture);
  if (problem !== undefined) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: stored.path,
      found: `a model that ${problem}`,
      ...nextOfProblem(architecture, options.hints),
    });
  }
  const { tensors, notes } = assemble(stored, naming, architecture);
  const { width, imageSize, channels } = architecture;
  if (width % architecture.heads !== 0) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: stored.path,
      found: `${architecture.heads} heads (from ${origin.heads}) for a width of ${width}`,
      expected: 'a number of heads that divides the width',
    });
  }
  const { hints } = options;
  if (hints?.imageSize !== undefined && !isSameSize(hints.imageSize, imageSize)) {
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.imageSize',
      found: imageSizeText(hints.imageSize),
      expected: `${imageSizeText(imageSize)}, the size of the checkpoint's positions (they are not interpolated)`,
    });
  }
  const [position] = tensors.pos_embed?.parts ?? [];
  const isSizeVouched = hints?.imageSize !== undefined;
  const isSizeChosen = isSizeVouched && (architecture.rotary === true || swin !== undefined);
  const isClassTokenUnplaced =
    position !== undefined &&
    'zeros' in position &&
    architecture.rotary !== true &&
    architecture.relativePositionBias !== true;
  if (own === undefined) {
    // Of a model with registers alone timm says it of those.
    const isUnplaced = architecture.classToken === false ? tensors.reg_token?.plus === undefined : isClassTokenUnplaced; // prettier-ignore
    const facts = { ...architecture, isClassTokenUnplaced: isUnplaced, isSizeChosen };
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

function refuseWithoutHead(path: string): never {
  return fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: 'no head',
    expected: 'the projection that teacher.head: projection says there is',
    next: 'teacher.head: none measures the features themselves',
  });
}

/** The setting that would end the problem, where there is one. */
function nextOfProblem(
  { classToken, pool, stages }: Architecture,
  hints: InspectOptions['hints'],
): { readonly next?: string } {
  const readsClassToken = pool === undefined || pool === 'class-and-mean';
  if (classToken === false && readsClassToken) return { next: poolHints };
  const isTold = stages !== undefined && hints?.heads !== undefined;
  return isTold ? { next: 'remove teacher.hints.heads: the weights tell those of every stage' } : {};
}

function namingOf(stored: StoredCheckpoint, { hints, names, headless }: InspectOptions): Naming {
  if (names !== undefined) return toldNaming(stored, names, hints);
  return detectNaming(stored, { ...hints, headless }) ?? refuseUnknownNames(stored);
}

/** @throws BlockForgeError `config-invalid` for one that no tensor has: a slip would go unnoticed */
function withoutIgnored(
  { tensors, path }: StoredCheckpoint,
  ignore: readonly string[] = [],
): StoredCheckpoint['tensors'] {
  const isOf = (name: string, entry: string) => name === entry || name.startsWith(entry.replace(/\.?$/, '.'));
  const idle = ignore.find((entry) => ![...tensors.keys()].some((name) => isOf(name, entry)));
  if (idle !== undefined) {
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.ignore',
      found: `"${idle}"`,
      expected: `a tensor of ${path}, or what stands before several names`,
    });
  }
  return new Map([...tensors].filter(([name]) => !ignore.some((entry) => isOf(name, entry))));
}
