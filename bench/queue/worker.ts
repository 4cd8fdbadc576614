/** A worker of light jobs, until it is told to stop: `worker.ts redis://... RUNS SLOTS`. */
import { serveQueue } from '../../pipeline/runner/bullmq/serve.ts';
import { lightNeeds, lightQueue, lightRegistry } from './light-run.ts';

const [queue = '', runs = '', slots = '2'] = process.argv.slice(2);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
await serveQueue({
  ...{ queue, runs, name: lightQueue, own: lightNeeds },
  slots: Number(slots),
  registryOf: () => lightRegistry,
  environmentOf: () => ({}),
  // The first line says that it is there.
  tell: (line) => console.log(line.type),
  signal: stop.signal,
  killSignal: new AbortController().signal,
});
