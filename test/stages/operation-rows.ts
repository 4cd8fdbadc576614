/** Rows of the tables of stale stages: how a run is operated, which no job of any method looks at. */
export const operation = [
  ['executor.slots', 1, ''],
  ['executor.type', 'bullmq', ''],
  ['executor.queue', 'redis://elsewhere', ''],
  ['executor.name', 'other', ''],
  ['executor.store', 's3://elsewhere', ''],
  ['executor.retries', { times: 7 }, ''],
  ['executor.silentMinutes', 1, ''],
  ['executor.recycleGb', 1, ''],
  ['monitor', { prometheus: 'run.prom' }, ''],
  ['onFinish', 'true', ''],
] as const;
