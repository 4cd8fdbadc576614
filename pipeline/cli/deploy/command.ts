import { openDeployment } from '../../deployment/deployment.ts';
import { crashInTurn } from '../../serving/crash-in-turn.ts';
import { loadFleet } from '../../serving/load-fleet.ts';
import { loadImages } from '../../serving/load-images.ts';
import { openFleet } from '../../serving/open-fleet.ts';
import { readFleetPlan } from '../../serving/read-fleet-plan.ts';
import { startLocalFleet } from '../../serving/start-local-fleet.ts';
import { wireCounter } from '../../serving/wire-counter.ts';
import { watchInterrupts } from '../../terminal/interrupts.ts';
import { interruptedExitCode } from '../../terminal/report-error.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { exitCodeOf } from '../../util/failure.ts';
import type { DeployCommand } from './arguments.ts';
import { renderLoad } from './render.ts';

/** Starts a deployment here, measures it, ends it. @returns the exit code: 5 where a request was not answered */
export async function runDeploy(command: DeployCommand, around: Surroundings): Promise<number> {
  const { stdout, stderr, unheard } = around;
  const { requests, concurrency, deadlineMs, killEverySeconds, threads, json } = command;
  const interrupts = watchInterrupts();
  const signal = AbortSignal.any([interrupts.polite, unheard]);
  try {
    const deployment = await openDeployment(command.deployment);
    const plan = await readFleetPlan(await deployment.coordinator());
    const images = await loadImages(deployment, plan.preprocessing, command.images);
    if (!json) stderr.write(`starting ${plan.devices.length} devices\n`);
    const local = await startLocalFleet(deployment, { threads, signal });
    const wire = wireCounter();
    try {
      const fleet = await openFleet(plan, { addresses: local.addresses, deadlineMs });
      // Neither the first images nor what they connect are what is measured.
      const warmUp = Math.min(requests, 20);
      await loadFleet(fleet, { images, requests: warmUp, concurrency, wire, signal });
      const crashes = killEverySeconds === undefined ? undefined : crashInTurn(local, killEverySeconds);
      const report = await loadFleet(fleet, { images, requests, concurrency, wire, signal });
      const killed = (await crashes?.stop()) ?? 0;
      fleet.close();
      const result = { deployment: plan.name, devices: plan.devices.length, deadlineMs, killed, ...report };
      stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${renderLoad(result)}\n`);
      if (signal.aborted) return interruptedExitCode;
      return report.failed === 0 ? 0 : exitCodeOf('job-failed');
    } finally {
      wire.close();
      await local.close();
    }
  } catch (error) {
    if (signal.aborted) return interruptedExitCode;
    throw error;
  } finally {
    interrupts.dispose();
  }
}
