/** What `executor.type` names; free of the schemas, for the help. */
export const executorNames = ['local', 'bullmq'] as const;
