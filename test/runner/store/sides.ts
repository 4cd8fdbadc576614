import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JobReply, JobRequest } from '../../../pipeline/runner/executor.ts';
import type { Fingerprint } from '../../../pipeline/runner/fingerprint.ts';
import type { OutputFile } from '../../../pipeline/runner/outputs.ts';
import { collectOutputs } from '../../../pipeline/runner/outputs.ts';
import type { ControllerStore, Offer, WorkerStore } from '../../../pipeline/runner/store/contract.ts';
import {
  areaOf,
  objectController,
  objectWorker,
  openObjects,
} from '../../../pipeline/runner/store/object/index.ts';
import { sha256, sha256File } from '../../../pipeline/util/hash.ts';
import { job } from '../rig.ts';
import { bucket } from './s3-server.ts';

/** Short, so that a server that does not come back is given up soon. */
const waits = [20, 40, 80];

/** A controller and workers that share nothing but a server. */
export class Sides {
  readonly folder = mkdtempSync(join(tmpdir(), 'blockforge-store-'));
  readonly runFolder = join(this.folder, 'runs/demo');

  constructor() {
    mkdirSync(this.runFolder, { recursive: true });
  }

  async controller(patience: readonly number[] = waits, partBytes?: number): Promise<ControllerStore> {
    const objects = await openObjects(
      { kind: 's3', bucket, prefix: 'tests' },
      { atStart: patience, waits: patience, partBytes },
    );
    return objectController(objects, {
      store: `s3://${bucket}/tests`,
      prefix: 'tests',
      runFolder: this.runFolder,
    });
  }

  /** @param name of the worker's own `--runs` */
  async worker(name: string, area: string, everyMs = 1e6, partBytes?: number): Promise<WorkerStore> {
    const objects = await openObjects(
      { kind: 's3', bucket, prefix: 'tests' },
      { atStart: waits, waits, partBytes },
    );
    return objectWorker(objects, areaOf('tests', area), join(this.folder, name, area), everyMs);
  }

  /** A file in the run folder, as an earlier job published it. */
  async publish(path: string, content: string | Uint8Array): Promise<OutputFile> {
    const full = join(this.runFolder, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    const { size, mtimeMs, ctimeMs } = statSync(full);
    return {
      path: path.split('/').slice(2).join('/'),
      sizeBytes: size,
      mtimeMs,
      ctimeMs,
      sha256: await sha256File(full),
    };
  }

  request(id: string, parts: Partial<JobRequest> = {}): JobRequest {
    const request: JobRequest = {
      stage: id.split('/')[0]!,
      job: job(id),
      fingerprint: sha256(id) as string as Fingerprint,
      priority: 0,
      engine: null,
      folder: `${id}.tmp-00000000`,
      resumeFolder: `.resume/${id}`,
      published: {},
      inputs: {},
      ...parts,
    };
    mkdirSync(join(this.runFolder, request.folder), { recursive: true });
    mkdirSync(join(this.runFolder, request.resumeFolder), { recursive: true });
    return request;
  }

  read(...path: string[]): string {
    return readFileSync(join(this.folder, ...path), 'utf8');
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function areaIn(offer: Offer): string {
  if (offer.type !== 'offered') throw new Error(JSON.stringify(offer));
  return offer.ticket.folder;
}

/** Work that writes files into the job's folder and ends well. */
export function writes(
  { runFolder }: WorkerStore,
  request: JobRequest,
  files: Readonly<Record<string, string | Uint8Array>>,
): () => Promise<JobReply> {
  return async () => {
    const folder = join(runFolder, request.folder);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const outputs = await collectOutputs(folder);
    return { type: 'finished', folder: request.folder, summary: null, outputs, unfit: [], engine: null };
  };
}
