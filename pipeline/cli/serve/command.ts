import { readFile } from 'node:fs/promises';
import { addressText, isLoopback } from '../../serving/address.ts';
import type { ServingLine } from '../../serving/device-process.ts';
import { warmDecoder } from '../../serving/open-image.ts';
import { openServedDevice } from '../../serving/open-served-device.ts';
import { startDeviceServer } from '../../serving/start-device-server.ts';
import { readToken } from '../../serving/token.ts';
import { watchInterrupts } from '../../terminal/interrupts.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { toolVersion } from '../../util/package.ts';
import type { ServeCommand } from './arguments.ts';

const drainMs = 4000;

/** Serves until it is told to end. @returns the exit code: 0, as that is how it ends */
export async function runServe(command: ServeCommand, { stdout, stderr }: Surroundings): Promise<number> {
  const { listen, threads, tls, tokenFile, limits, json } = command;
  const interrupts = watchInterrupts();
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
  const pem = tls && { cert: await readFile(tls.cert), key: await readFile(tls.key) };
  const device = await openServedDevice(command.package, { threads });
  try {
    await warmDecoder();
    const server = await startDeviceServer(device, {
      listen,
      limits,
      tls: pem,
      token,
      version: await toolVersion(),
      onProblem: (problem) =>
        stderr.write(`${problem instanceof Error ? (problem.stack ?? problem.message) : String(problem)}\n`),
    });
    if (!isLoopback(listen) && (tls === undefined || token === undefined))
      stderr.write(`warning: ${exposed(tls !== undefined, token !== undefined)}\n`);
    const address = addressText(server.address);
    const line: ServingLine = {
      type: 'serving',
      device: device.name,
      address,
      pid: process.pid,
      models: device.models.map(({ id, width }) => ({ name: id, features: width })),
      packageSha256: device.packageSha256,
      engine: device.engine.description,
    };
    const names = device.models.map(({ id }) => id).join(', ');
    stdout.write(
      json ? `${JSON.stringify(line)}\n` : `${device.name} serves ${names} at ${address} (${line.engine})\n`,
    );
    await ending(interrupts.polite);
    await Promise.race([server.drain(drainMs), ending(interrupts.now)]);
    return 0;
  } finally {
    await device.engine.close();
    interrupts.dispose();
  }
}

function exposed(tls: boolean, token: boolean): string {
  if (tls) return 'without --token-file everybody who gets here may send images';
  const clear = 'without --tls-cert images, features and the token travel in the clear';
  return token
    ? clear
    : `${clear.replace('and the token ', '')}, and without --token-file everybody may send them`;
}

/** A signal, or the end of the process that started this one, where there is a channel to it. */
function ending(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || (process.send !== undefined && !process.connected)) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    process.once('disconnect', () => resolve());
  });
}
