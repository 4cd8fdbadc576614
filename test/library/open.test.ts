import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestJsonSchema, manifestSchema, type Manifest } from '../../pipeline/library/manifest.ts';
import { openLibrary } from '../../pipeline/library/open.ts';
import { readLibrarySummary } from '../../pipeline/cli/show/read.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { temporaryFolder, writtenLibrary } from './fixture.ts';
import { present } from '../support/present.ts';

describe('library/open', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
  let manifest: Manifest;
  before(async () => {
    folder = await writtenLibrary();
    manifest = JSON.parse(await readFile(join(folder.path, 'manifest.json'), 'utf8')) as Manifest;
  });
  after(() => folder.remove());
  beforeEach(async () => (scratch = await temporaryFolder()));
  afterEach(() => scratch.remove());

  const copy = async () => {
    const path = join(scratch.path, 'library');
    await cp(folder.path, path, { recursive: true });
    return path;
  };
  const damaged = async (change: (manifest: Manifest) => unknown) => {
    const path = await copy();
    const changed = structuredClone(manifest);
    const replaced = change(changed);
    await writeFile(join(path, 'manifest.json'), JSON.stringify(replaced ?? changed));
    return path;
  };
  const rejects = (path: string, ...parts: RegExp[]) =>
    assert.rejects(openLibrary(path), (error) => {
      assert.ok(error instanceof BlockForgeError, String(error));
      for (const part of parts) assert.match(error.message, part);
      return true;
    });

  it('takes the folder, the manifest, and the run folder', async () => {
    const path = await copy();
    for (const place of [path, join(path, 'manifest.json'), scratch.path]) {
      assert.deepEqual((await openLibrary(place, { check: 'hashes' })).manifest, manifest);
    }
  });

  it('says what is wrong with a path', async () => {
    await rejects(join(scratch.path, 'nowhere'), /no such file or folder/, /next: give the library folder/);
    await rejects(scratch.path, /without manifest.json or library\/manifest.json/, /it resumes/);
    const log = join(scratch.path, 'events.jsonl');
    const finished = { type: 'run-finished', failed: 0, blocked: 0, interrupted: false };
    await writeFile(log, `${JSON.stringify({ type: 'run-started' })}\n${JSON.stringify(finished)}\n`);
    await rejects(scratch.path, /this run has finished: its method writes no library/);
    await writeFile(log, `${JSON.stringify({ ...finished, failed: 1 })}\n`);
    await rejects(scratch.path, /it resumes/);
    await rm(log);
    await writeFile(join(scratch.path, 'w.safetensors'), 'x');
    await rejects(join(scratch.path, 'w.safetensors'), /not a manifest/);
    await rejects('/dev/zero', /a device, not a plain file|no such/);
    await writeFile(join(scratch.path, 'package.json'), '{"name": "something else"}');
    await rejects(join(scratch.path, 'package.json'), /not a library manifest/);
    await writeFile(join(scratch.path, 'manifest.json'), 'null');
    await rejects(scratch.path, /not a library manifest/);
    await writeFile(join(scratch.path, 'manifest.json'), '{"kind": "blockforge-li');
    await rejects(scratch.path, /manifest.json: damaged/, /export it again/);
  });

  it('tells a newer library from a damaged one, and names the places that are wrong', async () => {
    await rejects(await damaged((m) => ({ ...m, schemaVersion: 2 })), /schemaVersion 2, newer/, /update/);
    await rejects(
      await damaged((m) => {
        m.blocks[1]!.descendants[0]!.width = -3;
        Object.assign(m.teacher, { surprise: 1 });
      }),
      /blocks.1.descendants.0.width/,
      /surprise/,
    );
    await rejects(
      await damaged((m) => void (m.ranking.entries[0]!.id = 'block-07/w0001')),
      /ranking.entries.0.id: no such descendant/,
    );
    await rejects(await damaged((m) => void m.blocks[0]!.descendants.shift()), /teacher's own block first/);
    await rejects(await damaged((m) => void m.blocks.pop()), /expected 2 blocks/);
    await rejects(
      await damaged((m) => void (m.blocks[0]!.descendants[1]!.file.sizeBytes += 1e6)),
      /10 hidden units of width 12 take 1048 bytes/,
    );
  });

  it('notices files that are missing, cut, changed or elsewhere', async () => {
    const file = 'blocks/block-01/w0010.safetensors';
    let path = await copy();
    await rm(join(path, file));
    await rejects(path, /w0010.safetensors: no such file/);
    path = await copy();
    await writeFile(join(path, file), (await readFile(join(path, file))).subarray(0, 500));
    await rejects(path, /500 bytes/);
    path = await copy();
    const bytes = await readFile(join(path, file));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(join(path, file), bytes);
    await openLibrary(path, { check: 'sizes' });
    await assert.rejects(openLibrary(path, { check: 'hashes' }), /its content has changed/);
    await rejects(path, /its content has changed/);
    path = await copy();
    await rename(join(path, file), join(scratch.path, 'outside.safetensors'));
    await symlink(join(scratch.path, 'outside.safetensors'), join(path, file));
    await rejects(path, /a link that leaves the folder/);
  });

  it('checks weights against the manifest when they are read', async () => {
    const path = await copy();
    const block = join(path, 'blocks/block-00');
    await cp(join(block, 'w0005.safetensors'), join(block, 'w0010.safetensors'));
    await cp(join(block, 'w0005.safetensors'), join(path, 'blocks/block-01/w0005.safetensors'));
    const library = await openLibrary(path, { check: 'none' });
    await assert.rejects(
      library.readFfn('block-00/w0010'),
      /fc1\.weight: shape \[5, 12\]\n {2}expected: \[10, 12\]/,
    );
    await assert.rejects(library.readFfn('block-01/w0005'), /no tensor "blocks.1.mlp.fc1.weight"/);
    await assert.rejects(library.readFfn('block-00/w0001'), /no descendant "block-00\/w0001"/);
  });

  it('refuses every path that leaves the folder, and takes none of them to the disk', () => {
    const segment = fc.constantFrom('..', '.', '', 'a', 'blocks', '~', 'C:', '\\', '%2e%2e', '\0', ' ');
    const path = fc
      .tuple(fc.constantFrom('', '/', '//', 'C:\\', '\\\\host\\'), fc.array(segment, { maxLength: 5 }))
      .map(([root, parts]) => root + parts.join('/'));
    fc.assert(
      fc.property(fc.oneof(path, fc.string()), (hostile) => {
        const changed = structuredClone(manifest);
        changed.frame.path = hostile;
        const { success } = manifestSchema.safeParse(changed);
        const safe =
          /^[\w.-]+(\/[\w.-]+)*$/.test(hostile) && !hostile.split('/').some((part) => /^\.{1,2}$/.test(part));
        assert.equal(success, safe && hostile.length <= 500, JSON.stringify(hostile));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('answers any damage with a failure in words, never with a crash', async () => {
    const path = await copy();
    const places: (string | number)[][] = [];
    const walk = (value: unknown, place: (string | number)[]): void => {
      if (place.length > 0) places.push(place);
      if (value === null || typeof value !== 'object') return;
      for (const key of Object.keys(value)) {
        walk((value as Record<string, unknown>)[key], [...place, key]);
      }
    };
    walk(manifest, []);
    const junk = fc.oneof(
      fc.constantFrom<unknown>(null, -1, 1e308, 2 ** 60, 0.5, '', '../../etc/passwd', [], {}, true),
      fc.jsonValue({ maxDepth: 2 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), junk, async (place, value) => {
        const changed = structuredClone(manifest);
        let parent = changed as unknown as Record<string | number, unknown>;
        for (const key of place.slice(0, -1)) parent = parent[key] as typeof parent;
        parent[present(place.at(-1))] = value;
        await writeFile(join(path, 'manifest.json'), JSON.stringify(changed));
        try {
          const { blocks } = (await openLibrary(path)).manifest;
          assert.equal(blocks.length, 2);
        } catch (error) {
          assert.ok(error instanceof BlockForgeError, `${place.join('.')}: ${String(error)}`);
          assert.ok(['library-invalid', 'file-invalid'].includes(error.failure.reason));
        }
      }),
      { numRuns: 150, seed: 1 },
    );
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  it('publishes a JSON Schema that names the same fields', () => {
    const schema = manifestJsonSchema() as { $schema: string; properties: object; required: string[] };
    assert.match(schema.$schema, /2020-12/);
    assert.deepEqual(Object.keys(schema.properties).sort(), Object.keys(manifest).sort());
    const optional = ['additivity', 'allocated', 'contexts', 'fitted', 'onnx', 'predictor'];
    assert.deepEqual([...schema.required, ...optional].sort(), Object.keys(manifest).sort());
  });

  it('sums up for the tables', async () => {
    const path = await copy();
    await mkdir(join(scratch.path, 'other'));
    const summary = await readLibrarySummary(scratch.path);
    assert.deepEqual(await readLibrarySummary(path), summary);
    assert.equal(summary.teacher.top1, 80);
    assert.deepEqual(
      summary.blocks.map(({ block, descendants }) => [block, descendants.map(({ id }) => id)]),
      [0, 1].map((index) => [
        `block-0${index}`,
        ['w0020', 'w0010', 'w0005'].map((width) => `block-0${index}/${width}`),
      ]),
    );
    const own = summary.blocks[0]!.descendants[0]!;
    const half = summary.blocks[0]!.descendants[1]!;
    assert.equal(own.rank, 0);
    assert.deepEqual([half.rank, half.top1DeltaPp.mean, half.kl], [1, -1.5, 0.15]);
    assert.deepEqual(
      Object.entries(present(half.byContext)).map(([name, { top1DeltaPp }]) => [name, top1DeltaPp.mean]),
      [
        ['teacher', -1],
        ['sparsest', -2],
      ],
    );
    assert.deepEqual(summary.contexts, ['teacher', 'sparsest']);
    assert.deepEqual(
      present(summary.allocated).map(({ widths, top1, versusUniformPp }) => [
        widths,
        top1,
        versusUniformPp.mean,
      ]),
      [[[5, 10], 80, 0.5]],
    );
    assert.equal(present(summary.prediction).meanAbsoluteErrorPp, 1.25);
    assert.equal(present(summary.prediction).imageNoisePp, 1.25);
    assert.equal(summary.test, undefined);
    assert.deepEqual(
      summary.uniform.map(({ sparsity, refit, distilled }) => [sparsity, refit.top1, distilled?.top1]),
      [
        [0.5, 80, 80],
        [0.75, 80, 80],
      ],
    );
  });
});
