import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { precisionEnvironment } from '../../precision/resolve-precision.ts';
import { serveQueue } from '../../runner/bullmq/serve.ts';
import type { WorkerLine } from '../../runner/bullmq/worker-line.ts';
import { methods as allMethods } from '../../stages/methods.ts';
import { engineSlots, resolveEngine } from '../../tensor/installed.ts';
import { watchStops } from '../../terminal/stops.ts';
import { precisionChoices } from '../../tensor/recorded/precision.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { fail } from '../../util/failure.ts';
import { ownNeeds } from '../run/own-needs.ts';
import type { WorkerCommand } from './arguments.ts';
import { renderLine, renderLogLine } from './render.ts';

/** Does jobs out of a queue until it is told to end. @returns the exit code */
export async function runWorker(
  command: WorkerCommand,
  { stdout, cwd, unheard }: Surroundings,
  methods = allMethods,
): Promise<number> {
  const { queue, name, untilEmpty, json, logFormat } = command;
  const engine = resolveEngine(command.engine);
  const { count, environment } = engineSlots(engine);
  const own = await ownNeeds(engine);
  const stops = watchStops();
  const render = logFormat === 'json' ? renderLogLine : renderLine;
  const tell = (line: WorkerLine): void =>
    stdout.write(json ? `${JSON.stringify({ time: new Date().toISOString(), ...line })}\n` : render(line));
  try {
    const end = await serveQueue({
      ...{ queue, name, untilEmpty, own, tell },
      runs: resolve(cwd, command.runs),
      slots: Math.min(command.slots ?? count, count),
      registryOf: (method) => methods.find((candidate) => candidate.name === method)?.registry,
      environmentOf: (slot, { precision }) => ({
        ...environment[slot],
        ...precisionEnvironment(precisionChoices.find((choice) => choice === precision) ?? 'auto'),
      }),
      signal: AbortSignal.any([stops.polite, unheard]),
      killSignal: stops.now,
    });
    if (end.type === 'refused') return fail(end.failure);
    tell({ type: 'note', text: `${hostname()}:${process.pid} ends: ${endings[end.type]}` });
    return end.type === 'emptied' ? 0 : stops.exitCode;
  } finally {
    stops.dispose();
  }
}

const endings = {
  emptied: 'nothing is left in the queue',
  stopped: 'it was stopped; its jobs are back in the queue',
} as const;
