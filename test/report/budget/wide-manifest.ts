import { libraryLatency } from '../../../pipeline/profile/latency.ts';
import { composeArguments } from '../../../pipeline/cli/compose/arguments.ts';
import { chooseCompositions } from '../../../pipeline/compose/choose.ts';
import { resolveLimits, resourceOf } from '../../../pipeline/compose/resolve-limits.ts';
import { spaceData } from '../../../pipeline/compose/space-data.ts';
import { openSpace, type ComposeSpace } from '../../../pipeline/compose/space.ts';
import { whyNothingFits } from '../../../pipeline/compose/why-nothing-fits.ts';
import type { Manifest } from '../../../pipeline/library/manifest.ts';
import { blockName, widthName } from '../../../pipeline/model/architecture.ts';
import { random } from '../../../pipeline/util/random.ts';

/** A small library's manifest grown to so many blocks and widths of a ViT-Tiny, with losses and times of all kinds. */
export function wideManifest(manifest: Manifest, depth: number, widths: number): Manifest {
  const draw = random(depth, 'wide');
  const [hidden, width] = [768, 192];
  const first = manifest.blocks[0]!;
  return {
    ...manifest,
    teacher: {
      ...manifest.teacher,
      architecture: { ...manifest.teacher.architecture, depth, width, hidden },
    },
    frame: { ...manifest.frame, sizeBytes: 8_000_000 },
    blocks: Array.from({ length: depth }, (_, index) => {
      const hard = 0.01 + 0.3 * draw.next();
      return {
        ...first,
        index,
        name: blockName(index),
        hidden,
        descendants: Array.from({ length: widths }, (__, place) => {
          const count = Math.round(hidden * (1 - place / widths));
          const item = first.descendants[Math.min(place, 1)]!;
          const params = 2 * count * width + count + width;
          const klIncrease = place === 0 ? 0 : hard * (place / widths) ** 2 * (0.9 + 0.2 * draw.next());
          const delta = { ...item.deltas.teacher, klIncrease };
          return {
            ...item,
            id: `${blockName(index)}/${widthName(count)}`,
            width: count,
            params,
            macs: 2 * count * width * 197,
            file: { ...item.file, sizeBytes: 4 * params + 272 },
            latencyMs: { p50: 0.1 + (0.6 * count) / hidden + 0.02 * draw.next(), p90: 1 },
            deltas: { teacher: delta, average: delta },
          };
        }),
      };
    }),
  };
}

/** Limits as words of the command line, one to three of them; every ninth or so is beyond all that there is. */
export function randomBudgets(seed: number, count: number): Record<string, string>[] {
  const draw = random(seed, 'budgets');
  const between = (from: number, to: number) => from + (to - from) * draw.next();
  const amounts: Readonly<Record<string, () => string>> = {
    params: () => `${between(1.4, 6.2).toFixed(3)}M`,
    macs: () => `${between(0.3, 1.4).toFixed(3)}G`,
    size: () => (draw.next() < 0.5 ? `${between(8, 30).toFixed(2)}MB` : `${between(8, 28).toFixed(2)}MiB`),
    latency: () => `${between(1, 8.5).toFixed(2)}ms`,
  };
  return Array.from({ length: count }, () => {
    const options = draw
      .shuffle(['params', 'macs', 'size', 'latency', 'max-drop'])
      .slice(0, 1 + draw.integer(3));
    return Object.fromEntries(
      options.map((option) => [
        option,
        option === 'max-drop'
          ? `${between(0, 25).toFixed(1)}pp`
          : draw.next() < 0.5
            ? `${(draw.integer(160) + 41) / 2}%`
            : (amounts[option]?.() ?? ''),
      ]),
    );
  });
}

/** What the command that these words are would answer, by its own functions: ids, or why there are none. */
export function commandAnswer(words: readonly string[], space: ComposeSpace): string {
  const [name, library = '', ...options] = words;
  if (name !== 'compose') throw new Error(`not the command: ${words.join(' ')}`);
  // What parses the words takes longer than all else: tests of the command itself go through it.
  const given = Object.fromEntries(
    options.flatMap((word, i) => (i % 2 === 0 ? [[word.replace(/^--/, ''), options[i + 1]]] : [])),
  );
  const asked = composeArguments.read({
    library,
    'dry-run': true,
    'no-measure': false,
    refit: false,
    json: true,
    ...given,
  });
  const teacher = space.compositionOf(space.blocks.map(() => 0));
  const limits = resolveLimits(asked, teacher);
  const found = chooseCompositions(space, limits, { count: asked.top, minimise: resourceOf[asked.minimise] });
  return 'binding' in found
    ? whyNothingFits(found, limits, teacher, space.loss.of).why
    : found[0]!.descendants.join(' ');
}

export function commandSpace(manifest: Manifest): ComposeSpace {
  return openSpace(spaceData(manifest, libraryLatency(manifest)));
}
