import { fileURLToPath } from 'node:url';
import { logVerbosity, setLogVerbosity, type MethodDefinition } from '@grpc/grpc-js';
import { loadSync, type AnyDefinition } from '@grpc/proto-loader';

/** Raised when a message changes its meaning; fields that are added do not count. */
export const protocolVersion = 1;

/** In the metadata of `Extract`: the SHA-256 of the manifest of the package that is meant. */
export const packageHeader = 'blockforge-package-bin';

/** What a device says of itself. */
export interface Description {
  readonly device: string;
  /** 32 bytes. */
  readonly packageSha256: Uint8Array;
  readonly models: readonly { readonly id: string; readonly width: number }[];
  readonly engine: string;
  readonly version: string;
  readonly protocol: number;
  readonly maxMessageBytes: number;
  readonly maxPixels: number;
}

/** An image: a file's bytes, or pixels (uint8, height x width x channels) that are resized and cropped already. */
export type ImageBytes = { readonly encoded: Uint8Array } | { readonly pixels: Uint8Array };

export interface ExtractRequest {
  readonly encoded?: Uint8Array | undefined;
  readonly pixels?: Uint8Array | undefined;
}

export interface ExtractReply {
  /** `values`: float32, little-endian. */
  readonly features: readonly { readonly model: string; readonly values: Uint8Array }[];
  readonly queueMs: number;
  readonly prepareMs: number;
  readonly inferMs: number;
}

export interface HealthReply {
  readonly status: 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

type Device = {
  readonly Describe: MethodDefinition<object, Description>;
  readonly Extract: MethodDefinition<ExtractRequest, ExtractReply>;
};

type Health = {
  readonly Check: MethodDefinition<{ readonly service: string }, HealthReply>;
  readonly Watch: MethodDefinition<{ readonly service: string }, HealthReply>;
};

// Failures are told to whoever asked, by this program's own words.
setLogVerbosity(logVerbosity.NONE);

/** `device.proto`, read when this file loads: it lies beside the source, from where a compiled copy reads it, too. */
export const deviceProtocol = load('device.proto', 'blockforge.serving.v1.Device') as unknown as Device;

/** `health.proto`: what probes of others ask. */
export const healthProtocol = load('health.proto', 'grpc.health.v1.Health') as unknown as Health;

function load(file: string, service: string): AnyDefinition | undefined {
  const path = fileURLToPath(new URL(`./${file}`, import.meta.url));
  return loadSync(path, { defaults: true, enums: String, longs: Number, oneofs: true })[service];
}
