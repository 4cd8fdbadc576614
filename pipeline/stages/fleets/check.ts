import type { Contradiction } from '../../config/check.ts';
import { fleetSettings } from './fleet-settings.ts';
import { areZero, zeroWeights } from './zero-weights.ts';
import type { FleetsConfig, FleetSetting } from './schema.ts';

/** Settings of the method that contradict or need each other. */
export function checkFleetsConfig(config: FleetsConfig): Contradiction[] {
  return [
    ...checkDevices(config),
    ...checkFleets(config),
    ...checkPartitions(config),
    ...checkWeights(config),
  ];
}

function checkDevices({ devices: own, fleets }: FleetsConfig): Contradiction[] {
  if (own === undefined && fleets === undefined) {
    return [
      { path: ['devices'], message: 'needs "devices" (a number or a list) or "fleets" (several of them)' },
    ];
  }
  if (own !== undefined && fleets !== undefined) {
    return [{ path: ['fleets'], message: 'contradicts "devices": give one deployment or several, not both' }];
  }
  return [];
}

function checkFleets(config: FleetsConfig): Contradiction[] {
  const all = fleetSettings(config);
  return all.flatMap(({ name: own }, index) =>
    all.findIndex((other) => other.name.toLowerCase() === own.toLowerCase()) < index
      ? [
          {
            path: ['fleets', index],
            message: `"${own}" names a fleet before it; give this one a name of its own`,
          },
        ]
      : [],
  );
}

function checkPartitions(config: FleetsConfig): Contradiction[] {
  const places = [
    { path: ['partition'] as (string | number)[], partition: config.partition as FleetSetting['partition'] },
    ...(config.fleets ?? []).map(({ partition }, index) => ({
      path: ['fleets', index, 'partition'],
      partition,
    })),
  ];
  return places.flatMap(({ path, partition }) => {
    if (partition === undefined) return [];
    if (partition.by === 'file' && partition.file === undefined)
      return [{ path, message: 'needs "file": a text file with the classes of a subset on each line' }];
    if (partition.by !== 'file' && partition.file !== undefined)
      return [{ path: [...path, 'file'], message: `contradicts "by: ${partition.by}"; write "by: file"` }];
    return [];
  });
}

/** What teaches no answers is refused before the hours of cutting, not behind them; features and relations are learnt beside. */
function checkWeights({ train, fusion }: FleetsConfig): Contradiction[] {
  const { logits, hard, labels } = train.weights;
  const isUntaught = train.enabled && areZero({ logits, hard, labels });
  return [
    ...(isUntaught
      ? [zeroWeights(['train', 'weights'], 'or write train.enabled: false', 'of logits, hard and labels ')]
      : []),
    ...(fusion.heads.includes('tokens') && areZero(fusion.tokens.weights)
      ? [zeroWeights(['fusion', 'tokens', 'weights'], 'or leave tokens out of fusion.heads')]
      : []),
  ];
}
