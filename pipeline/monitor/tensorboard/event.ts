import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * TensorBoard's `Event` message (tensorflow/core/util/event.proto), the two kinds that a file of scalars has. Field numbers
 * are the schema's; the order is that of TensorFlow's own writer, so equal events have equal bytes.
 */

/** The first of every file. @param seconds since 1970 */
export function fileVersionEvent(seconds: number): Uint8Array {
  const source = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string('tensorflow.core.util.events_writer');
  return startEvent(seconds)
    .tag(3, WireType.LengthDelimited)
    .string('brain.Event:2')
    .tag(10, WireType.LengthDelimited)
    .bytes(source.finish())
    .finish();
}

/** One or more scalars of one step. @param seconds since 1970 @param values by tag */
export function scalarsEvent(
  seconds: number,
  step: number,
  values: readonly (readonly [tag: string, value: number])[],
): Uint8Array {
  const summary = new BinaryWriter();
  for (const [tag, value] of values) {
    const entry = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string(tag)
      .tag(2, WireType.Bit32)
      .float(value);
    summary.tag(1, WireType.LengthDelimited).bytes(entry.finish());
  }
  const event = startEvent(seconds);
  if (step !== 0) event.tag(2, WireType.Varint).int64(step);
  return event.tag(5, WireType.LengthDelimited).bytes(summary.finish()).finish();
}

function startEvent(seconds: number): BinaryWriter {
  return new BinaryWriter().tag(1, WireType.Bit64).double(seconds);
}
