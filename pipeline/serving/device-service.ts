import {
  status,
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { extentOf, pixelsPerImage } from '../model/family/image-size.ts';
import type { Admission } from './admission.ts';
import { featureBytes } from './feature-bytes.ts';
import { openImage } from './open-image.ts';
import { planesOf } from './planes.ts';
import {
  packageHeader,
  protocolVersion,
  type Description,
  type ExtractReply,
  type ExtractRequest,
} from './protocol.ts';
import { Refusal, statusOf } from './refusal.ts';
import type { ServedDevice } from './served-device.ts';
import type { ServingLimits } from './serving-limits.ts';
import type { Guard } from './token.ts';

export interface DeviceServiceOptions {
  readonly limits: ServingLimits;
  readonly admission: Admission;
  /** Throws for whoever may not ask. */
  readonly guard: Guard;
  /** Of this program. */
  readonly version: string;
  /** Told of failures that are the device's own. */
  readonly onProblem: (error: unknown) => void;
}

/** What answers `Describe` and `Extract` for a device. */
export function deviceService(
  device: ServedDevice,
  { limits, admission, guard, version, onProblem }: DeviceServiceOptions,
): UntypedServiceImplementation {
  const packageSha256 = Buffer.from(device.packageSha256, 'hex');
  const description: Description = {
    device: device.name,
    packageSha256,
    models: device.models,
    engine: device.engine.description,
    version,
    protocol: protocolVersion,
    maxMessageBytes: limits.maxMessageBytes,
    maxPixels: limits.maxPixels,
  };
  const extract = extractor(device, limits);

  const answer =
    <Q, R>(work: (request: Q, signal: AbortSignal, metadata: Metadata) => Promise<R> | R) =>
    (call: ServerUnaryCall<Q, R>, reply: sendUnaryData<R>): void => {
      const left = new AbortController();
      // Also when the deadline that came with the call is over.
      call.on('cancelled', () => left.abort());
      const perform = async (): Promise<R> => {
        guard(call.metadata);
        return work(call.request, left.signal, call.metadata);
      };
      perform().then(
        (result) => reply(null, result),
        (error: unknown) => {
          const refused = statusOf(error);
          if (refused.code === status.INTERNAL) onProblem(error);
          reply(refused);
        },
      );
    };

  return {
    Describe: answer<object, Description>(() => description),
    Extract: answer<ExtractRequest, ExtractReply>((request, signal, metadata) => {
      const [meant] = metadata.get(packageHeader);
      if (Buffer.isBuffer(meant) && !packageSha256.equals(meant)) {
        throw new Refusal(
          status.FAILED_PRECONDITION,
          `${device.name} serves the package ${device.packageSha256.slice(0, 12)}, not ${meant.toString('hex').slice(0, 12)}`,
        );
      }
      return admission.admit((waitedMs) => extract(request, waitedMs), signal);
    }),
  };
}

/** One image, from bytes to the features of all models. */
function extractor(
  { preprocessing, models, engine }: ServedDevice,
  { maxPixels }: ServingLimits,
): (request: ExtractRequest, queueMs: number) => Promise<ExtractReply> {
  const { height, width } = extentOf(preprocessing.crop);
  const size = pixelsPerImage(preprocessing.crop, preprocessing.channels);
  const planes = planesOf(preprocessing);
  // As many as work at once. New memory for every image would cost more than the normalisation.
  const free: Float32Array[] = [];
  return async ({ encoded, pixels }, queueMs) => {
    const began = performance.now();
    if (pixels !== undefined && pixels.length !== size) {
      throw new Refusal(
        status.INVALID_ARGUMENT,
        `${pixels.length} bytes of pixels, not the ${size} of ${height} x ${width} x ${preprocessing.channels}`,
      );
    }
    const content = encoded ?? new Uint8Array();
    if (pixels === undefined && content.length === 0)
      throw new Refusal(status.INVALID_ARGUMENT, 'a request without an image');
    const prepared = pixels ?? (await decoded(content, preprocessing, maxPixels));
    const image = planes(prepared, free.pop() ?? new Float32Array(size));
    const ready = performance.now();
    const features = await engine.extract(image).finally(() => free.push(image));
    const inferMs = performance.now() - ready;
    return {
      features: models.map(({ id }, index) => {
        const values = features[index]!;
        // They would poison the fusion; the others are better off without this device.
        if (!values.every(Number.isFinite))
          throw new Refusal(status.INTERNAL, `the features of ${id} are not finite`);
        return { model: id, values: featureBytes(values) };
      }),
      queueMs,
      prepareMs: ready - began,
      inferMs,
    };
  };
}

async function decoded(
  content: Uint8Array,
  preprocessing: ServedDevice['preprocessing'],
  maxPixels: number,
): Promise<Uint8Array> {
  try {
    return await openImage(content, preprocessing, maxPixels);
  } catch (error) {
    throw new Refusal(status.INVALID_ARGUMENT, `not an image that can be used: ${(error as Error).message}`);
  }
}
