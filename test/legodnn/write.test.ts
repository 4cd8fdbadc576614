import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLegodnn } from '../../pipeline/legodnn/write.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { latencyModel, modelMs } from '../../pipeline/profile/latency.ts';
import { saveProfile } from '../../pipeline/profile/profile-file.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { temporaryFolder, writtenLibrary } from '../library/fixture.ts';
import { exampleProfile } from '../profile/fixture.ts';
import { readLegodnn } from './legodnn-reader.ts';
import { present } from '../support/present.ts';

describe('library/legodnn/write-legodnn', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let out: Awaited<ReturnType<typeof temporaryFolder>>;
  let library: Library;
  before(async () => {
    folder = await writtenLibrary();
    library = await openLibrary(folder.path);
  });
  after(() => folder.remove());
  beforeEach(async () => (out = await temporaryFolder()));
  afterEach(() => out.remove());

  const origin = async () =>
    JSON.parse(await readFile(join(out.path, 'blockforge-origin.json'), 'utf8')) as {
      blocks_id: string[];
      blocks_sparsity: number[][];
      descendants: string[][];
      latencies: string;
    };
  const levels = [0, 1, 2];
  const choices = levels.flatMap((first) => levels.map((second) => [first, second]));

  it('gives, read as LegoDNN reads it, our own estimates for every composition', async () => {
    const profile = exampleProfile(await sha256File(join(folder.path, 'manifest.json')));
    await saveProfile(library, profile);
    for (const batchSize of [1, 8]) {
      await writeLegodnn(library, out.path, { profile: 'board', batchSize });
      const { blocks_sparsity: sparsities, descendants } = await origin();
      const { estimate, serverModel } = readLegodnn(out.path, sparsities);
      const latency = latencyModel(profile, batchSize);
      const { teacher } = library.manifest;
      for (const choice of choices) {
        const items = choice.map((level, block) => library.descendant(descendants[block]![level]!));
        const widths = items.map(({ width }) => width);
        for (const speed of [1, 2.5]) {
          // The device runs everything `speed` times faster than when the profile was made.
          const sparsest = descendants.map((ids) => library.descendant(present(ids.at(-1))).width);
          const timed = (block: number) => latency.blockMs(sparsest[block]!, block) / 1e3 / speed;
          const found = estimate(choice, [2, 2], timed);
          close(found.latencySeconds, modelMs(latency, widths) / 1e3 / speed);
          const loss = items.reduce((sum, { deltas }) => sum + present(deltas.average).top1Pp.mean, 0);
          close(found.accuracy, (teacher.accuracy.top1Percent.mean + loss) / 100);
          const own = library.manifest.blocks.map(({ descendants: [first] }) => first);
          const savedMacs = items.reduce((sum, { macs }, block) => sum + own[block]!.macs - macs, 0);
          assert.equal(
            found.sizeBytes,
            items.reduce((sum, { file }) => sum + file.sizeBytes, library.manifest.frame.sizeBytes),
          );
          assert.equal(found.flops, 2 * (teacher.macs - savedMacs));
        }
      }
      assert.deepEqual(
        serverModel.blocks_info.map(({ input_size, id }) => [id, ...input_size]),
        [
          ['block-0', 5, 12],
          ['block-1', 5, 12],
        ],
      );
    }
  });

  it("starts every block with the teacher's own row, all zeros, and ends it with the sparsest", async () => {
    await writeLegodnn(library, out.path);
    const { blocks_sparsity: sparsities } = await origin();
    assert.deepEqual(sparsities, [
      [0, 0.5, 0.75],
      [0, 0.5, 0.75],
    ]);
    const { server, edge } = readLegodnn(out.path, sparsities);
    assert.deepEqual(
      server.map(([block, sparsity]) => [block, sparsity]),
      sparsities.flatMap((list, block) => list.map((sparsity) => [block, sparsity])),
    );
    for (const row of [0, 3]) {
      assert.deepEqual(server[row]!.slice(2), [0, 0, 0, 0, 0]);
      assert.deepEqual(edge[row]!.slice(2), [0, 0, 0, 0, 0]);
    }
    // 10 of 20 units gone: 1.5 points of average loss in the first block, half of everything, 50 % of the time.
    const { descendants } = library.manifest.blocks[0]!;
    const savedBytes = descendants[0]!.file.sizeBytes - descendants[1]!.file.sizeBytes;
    assert.deepEqual(server[1]!.slice(2), [0.015, 0, savedBytes, 2 * 1200, 250]);
    close(edge[1]![3]!, 0.5);
  });

  it('takes the latencies of the manifest where no profile is given, and says so', async () => {
    const result = await writeLegodnn(library, out.path);
    assert.match(result.latencies, /own block latencies .* estimated/);
    assert.equal((await origin()).latencies, result.latencies);
    const { edgeModel } = readLegodnn(out.path, (await origin()).blocks_sparsity);
    close(edgeModel.blocks_info[0]!.latency, 0.0002);
    // The blocks have 4,800 of the model's 90,000 multiply-adds.
    close(edgeModel.latency, (0.0004 * 90_000) / 4800);
    assert.deepEqual((await readdir(out.path)).sort(), [...result.files].sort());
  });

  it('writes numbers that PyYAML takes for numbers, and integers where LegoDNN has them', async () => {
    await writeLegodnn(library, out.path);
    // The implicit resolvers of YAML 1.1 as PyYAML has them: a float needs its point, an exponent its sign.
    const float = /^[-+]?(\d[\d_]*)\.[\d_]*([eE][-+]\d+)?$/;
    for (const name of ['server-teacher-model-metrics.yaml', 'edge-teacher-model-metrics.yaml']) {
      for (const line of (await readFile(join(out.path, name), 'utf8')).split('\n')) {
        const entry = /^[- ]*(\w+): (.+)$/.exec(line);
        if (entry === null || entry[1] === 'id') continue;
        assert.match(entry[2]!, ['index', 'size', 'model_size'].includes(entry[1]!) ? /^\d+$/ : float, line);
      }
    }
  });

  it('refuses a profile that is not there', async () => {
    await assert.rejects(writeLegodnn(library, out.path, { profile: 'nowhere' }), /profile nowhere: not in/);
    await assert.rejects(
      writeLegodnn(library, out.path, { profile: 'board', batchSize: 3 }),
      /batch size 3: not in the profile board\n {2}expected: one of: 1, 8/,
    );
  });
});

function close(found: number, expected: number): void {
  assert.ok(Math.abs(found - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `${found} != ${expected}`);
}
