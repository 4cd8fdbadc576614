import type * as Sdk from '@aws-sdk/client-s3';

/** The client as its package and documentation have it, loaded with the first use. */
export interface LoadedClient {
  readonly client: Sdk.S3Client;
  readonly sdk: typeof Sdk;
}

/** A server that does not take a connection, and one that says nothing more on it. */
const connectMs = 10_000;
const silentMs = 60_000;

/**
 * A client of whatever speaks S3: Amazon's, or a server named by AWS_ENDPOINT_URL_S3 (AWS_ENDPOINT_URL). Keys and region come from
 * the environment, profiles or the machine's role, as the SDK finds them. No request carries what servers beside Amazon's may
 * refuse: no checksums of the newer kind, no names of buckets in the host.
 */
export async function makeClient(env: NodeJS.ProcessEnv = process.env): Promise<LoadedClient> {
  // Documented for this: it would tell on the terminal that next year's versions want a newer Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const loaded = (await import('@aws-sdk/client-s3')) as typeof Sdk & { readonly default?: typeof Sdk };
  // Of its CommonJS Node itself finds no names, as a loader of TypeScript does.
  const sdk = 'S3Client' in loaded ? loaded : (loaded as { readonly default: typeof Sdk }).default;
  const hasEndpoint = Boolean(env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL);
  const hasRegion = Boolean(env.AWS_REGION ?? env.AWS_DEFAULT_REGION);
  const config: Sdk.S3ClientConfig = {
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // `withRetries` tries again: the SDK cannot, once a part of a file has been sent.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: connectMs, socketTimeout: silentMs },
    ...(hasEndpoint && { forcePathStyle: true }),
    // Servers of one's own know one region, and most call it so.
    ...(hasEndpoint && !hasRegion && { region: 'us-east-1' }),
    ...(!env.AWS_REGION && env.AWS_DEFAULT_REGION && { region: env.AWS_DEFAULT_REGION }),
  };
  return { client: new sdk.S3Client(config), sdk };
}
