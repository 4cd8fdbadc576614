import { z } from 'zod';
import { executorNames } from './executor-names.ts';

/**
 * Of a config: where its jobs are done and who is told. Nothing a run makes depends on it, so no job has it in its settings and no
 * library names it: there may be secrets in it.
 */
const positive = z.number().positive().max(1e6);

export const executorFields = z.strictObject({
  /** local: processes of this machine. bullmq: workers on any machine, over a queue on Redis or Valkey. */
  type: z.enum(executorNames).default('local'),
  /** local: jobs at once, at most. Default: as many as the engine fills this machine with. bullmq: jobs in the queue at once. */
  slots: z.int().positive().max(10_000).optional(),
  /**
   * bullmq: `redis://[user:password@]host[:port][/database]`, or `rediss://`. Default: BLOCKFORGE_QUEUE, without that
   * redis://127.0.0.1:6379.
   */
  queue: z.string().min(1).optional(),
  /** bullmq: of several queues on one server. Workers serve one. */
  name: z
    .string()
    .regex(/^[\w.-]+$/)
    .default('blockforge'),
  /**
   * bullmq: how files come to workers. `folder`: they see the run folder (NFS, any mount). `s3://bucket[/prefix]`: through an object store.
   */
  store: z.string().min(1).default('folder'),
  /** Tries again, after what may pass: a killed process, a hiccup of a disk, a lost worker. Never after what a job itself found wrong. */
  retries: z
    .strictObject({
      times: z.int().min(0).max(1000).default(2),
      /** Before the first; each further wait is twice the one before. */
      waitSeconds: positive.default(10),
    })
    .prefault({}),
  /** A process that shows no sign of life for so long is ended, and its job tried again; null: never. */
  silentMinutes: positive.nullable().default(30),
  /** A process that grew by more than this since its start is replaced after its job, in GB. */
  recycleGb: positive.default(3),
});

/** `executor: bullmq` stands for `executor: { type: bullmq }`. */
export const executorSchema = z
  .union([z.enum(executorNames).transform((type) => executorFields.parse({ type })), executorFields])
  .prefault({});

export const monitorSchema = z
  .strictObject({
    /** A file for the textfile collector of Prometheus' node exporter, relative to the config; absent: none. */
    prometheus: z
      .string()
      .regex(/.\.prom$/, 'expected a file whose name ends in .prom: node exporter reads no other')
      .optional(),
    /**
     * An MLflow server, by default that of MLFLOW_TRACKING_URI, and the experiment there, by default that of MLFLOW_EXPERIMENT_NAME, else
     * "blockforge". Its secrets come from MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN.
     */
    mlflow: z
      .strictObject({
        url: z
          .string()
          .regex(/^https?:\/\//, 'expected the http:// or https:// address of an MLflow server')
          .optional(),
        experiment: z.string().min(1).max(500).optional(),
      })
      .optional(),
    /** Event files for TensorBoard in the run folder, `tensorboard/`. */
    tensorboard: z.boolean().default(false),
  })
  .prefault({});

export const operationFields = {
  executor: executorSchema,
  monitor: monitorSchema,
  /** A command for the shell when a run has ended, however; it is told by BLOCKFORGE_... variables and its input. */
  onFinish: z.string().min(1).optional(),
};

export type ExecutorSettings = z.infer<typeof executorFields>;
export type MonitorSettings = z.infer<typeof monitorSchema>;
