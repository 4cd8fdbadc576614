import { macsLimit, type Device } from './device.ts';
import type { Level } from './level.ts';

/** What a device has, or has left, for sub-models. */
export interface Room {
  readonly memoryBytes: number;
  readonly macs: number;
}

export function roomOf(device: Device): Room {
  return { memoryBytes: device.memoryBytes ?? Infinity, macs: macsLimit(device).macs };
}

export function hasRoom(room: Room, level: Level): boolean {
  return level.memoryBytes <= room.memoryBytes && level.macs <= room.macs;
}

/** What is left beside a sub-model; each has its own process, so that memory adds up. */
export function without(room: Room, level: Level): Room {
  return { memoryBytes: room.memoryBytes - level.memoryBytes, macs: room.macs - level.macs };
}

/** How many sub-models of one level there is room for, at most `most`. */
export function countWithin(room: Room, level: Level, most: number): number {
  let count = 0;
  while (
    count < most &&
    (count + 1) * level.memoryBytes <= room.memoryBytes &&
    (count + 1) * level.macs <= room.macs
  ) {
    count++;
  }
  return count;
}
