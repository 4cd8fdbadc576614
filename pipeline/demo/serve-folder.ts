import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fail } from '../util/failure.ts';

export interface FolderServer {
  readonly url: string;
  /** Ends, whoever is still being answered. */
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** What pages need for threads (SharedArrayBuffer), and that nothing is taken for something else. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
};

/**
 * Serves the files of a folder on this machine's loopback, and nothing outside it, links included.
 * @param port 0 picks a free one
 * @throws BlockForgeError `usage` where the port is not free
 */
export async function serveFolder(folder: string, port = 0): Promise<FolderServer> {
  const root = await realpath(folder);
  const server = createServer((request, response) => {
    void answer(root, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done, refused) => {
    server.once('error', refused);
    server.listen(port, '127.0.0.1', done);
  }).catch((error: unknown) =>
    fail(
      {
        reason: 'usage',
        subject: `--port ${port}`,
        found: (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'in use' : (error as Error).message,
        expected: 'a free port; 0 picks one',
      },
      error,
    ),
  );
  const { port: found } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${found}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  root: string,
  { method = '', url = '', headers: asked }: Pick<Request, 'method' | 'url' | 'headers'>,
  response: ServerResponse,
): Promise<void> {
  // Another site's name that leads here must not read the library (DNS rebinding).
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(asked.host ?? '')) {
    refuse(response, 403);
    return;
  }
  if (method !== 'GET' && method !== 'HEAD') {
    refuse(response, 405);
    return;
  }
  const path = await fileOf(root, url);
  if (path === undefined) {
    refuse(response, 404);
    return;
  }
  const { size } = await stat(path);
  const type = types[extname(path)] ?? 'application/octet-stream';
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': size });
  if (method === 'HEAD') response.end();
  else await pipeline(createReadStream(path), response);
}

interface Request {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: { readonly host?: string | undefined };
}

/** The file that an address names, where it lies in the folder. */
async function fileOf(root: string, url: string): Promise<string | undefined> {
  try {
    const name = decodeURIComponent(new URL(`http://localhost${url}`).pathname);
    if (name.includes('\0')) return undefined;
    const path = await realpath(join(root, name === '/' ? 'index.html' : name));
    const inside = path.startsWith(root.endsWith(sep) ? root : root + sep);
    return inside && (await stat(path)).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${status}\n`);
}
