import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Bytes that this process's connections to others have carried since it was made; without the headers of TCP and IP. */
export interface WireCounter {
  readonly read: () => { readonly sent: number; readonly received: number };
  readonly close: () => void;
}

const opened = 'net.client.socket';

/** Make it before the connections: those that are there already are not seen. */
export function wireCounter(): WireCounter {
  const open = new Set<Socket>();
  const gone = { sent: 0, received: 0 };
  const onOpen = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      gone.sent += socket.bytesWritten;
      gone.received += socket.bytesRead;
    });
  };
  subscribe(opened, onOpen);
  return {
    read() {
      let { sent, received } = gone;
      for (const { bytesWritten, bytesRead } of open) {
        sent += bytesWritten;
        received += bytesRead;
      }
      return { sent, received };
    },
    close: () => void unsubscribe(opened, onOpen),
  };
}
