import { readFile } from 'node:fs/promises';
import { imageBytes } from '../../serving/image-message.ts';
import { openCoordinatorOf } from '../../serving/open-coordinator-of.ts';
import { openFleet } from '../../serving/open-fleet.ts';
import { readFleetPlan } from '../../serving/read-fleet-plan.ts';
import { readToken } from '../../serving/token.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { fail } from '../../util/failure.ts';
import type { PredictCommand } from './arguments.ts';
import { renderPrediction, type ImagePrediction } from './render.ts';

/** Asks a fleet for the classes of images, one after another. @returns the exit code */
export async function runPredict(command: PredictCommand, { stdout }: Surroundings): Promise<number> {
  const plan = await readFleetPlan(await openCoordinatorOf(command.deployment));
  const fleet = await openFleet(plan, {
    addresses: command.devices,
    deadlineMs: command.deadlineMs,
    ca: command.ca === undefined ? undefined : await readFile(command.ca),
    token: command.tokenFile === undefined ? undefined : await readToken(command.tokenFile),
  });
  try {
    for (const path of command.images) {
      const content = await readFile(path).catch((error: unknown) =>
        fail({ reason: 'file-missing', subject: path, found: (error as Error).message }, error),
      );
      const image = await imageBytes(content, plan.preprocessing, path);
      const { probabilities, ...answer } = await fleet.predict(image, path);
      const order = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!);
      const prediction: ImagePrediction = {
        image: path,
        sentAs: 'pixels' in image ? 'pixels' : 'file',
        classes: order.slice(0, command.top).map((index) => ({
          index,
          name: plan.classNames?.[index] ?? null,
          probability: probabilities[index]!,
        })),
        ...answer,
      };
      stdout.write(
        command.json ? `${JSON.stringify(prediction)}\n` : `${renderPrediction(prediction, plan.classes)}\n`,
      );
    }
    return 0;
  } finally {
    fleet.close();
  }
}
