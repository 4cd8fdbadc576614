import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf } from '../../pipeline/library/open.ts';
import { verifyLibrary, type Finding, type Verification } from '../../pipeline/verify/library.ts';
import { openSafetensors, writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { exchange, flipBit, patients, readManifest, vouchFor, type Patients } from '../library/damage.ts';
import { present } from '../support/present.ts';

const a = 'blocks/block-00/w0010.safetensors';
const b = 'blocks/block-01/w0010.safetensors';
const narrow = 'blocks/block-00/w0005.safetensors';

/** Writes a safetensors file again with other content. */
async function rewrite(
  path: string,
  change: (arrays: NamedArrays, metadata: Record<string, string>) => void,
): Promise<void> {
  const file = await openSafetensors(path);
  const arrays: NamedArrays = {};
  for (const name of file.names) arrays[name] = { shape: file.info(name).shape, data: await file.read(name) };
  const metadata = { ...file.metadata };
  await file.close();
  change(arrays, metadata);
  await writeSafetensors(path, arrays, metadata);
}

describe('library/verify', function () {
  this.timeout(60_000);
  let library: Patients;
  before(async () => (library = await patients()));
  after(() => library.remove());

  const of = ({ checks }: Verification, name: string) => checks.find((check) => check.name === name);
  /** Verifies a damaged copy: exactly these files are named, each with words. */
  const findings = async (
    path: string,
    ...expected: [file: string, words: RegExp][]
  ): Promise<readonly Finding[]> => {
    const { findings: found } = await verifyLibrary(path);
    const lines = found.map((finding) => `${finding.file}: ${finding.found}; expected ${finding.expected}`);
    assert.deepEqual(
      found.map(({ file }) => file).sort(),
      expected.map(([file]) => file).sort(),
      lines.join('\n'),
    );
    for (const [file, words] of expected) {
      assert.ok(
        lines.some((line) => line.startsWith(`${file}: `) && words.test(line)),
        `${words}\n${lines.join('\n')}`,
      );
    }
    return found;
  };

  it('compares the README and the schema with what the manifest makes', async () => {
    const path = await library.copy();
    const readme = await readFile(join(path, 'README.md'), 'utf8');
    await writeFile(join(path, 'README.md'), readme.replace('top-1', 'top-2'));
    const schema = await readFile(join(path, 'manifest.schema.json'), 'utf8');
    await writeFile(join(path, 'manifest.schema.json'), schema.replace('"string"', '"number"'));
    await findings(path, ['manifest.schema.json', /not what this version makes/]);
    const { notes, checks } = await verifyLibrary(path);
    assert.deepEqual(notes, [{ file: 'README.md', note: 'not what this version makes of the manifest' }]);
    assert.deepEqual(checks[0], { name: 'manifest', passed: 1, of: 2, skipped: 0 });
    const older = await library.copy((manifest) => ({
      ...manifest,
      tool: { ...manifest.tool, version: '0.0.9' },
    }));
    await writeFile(join(older, 'README.md'), 'of then');
    await findings(older);
    await rm(join(older, 'manifest.schema.json'));
    await findings(older, ['manifest.schema.json', /not there/]);
  });

  it('finds nothing wrong with a whole library, and counts what it looked at', async () => {
    const progress: number[] = [];
    const verification = await verifyLibrary(library.path, {
      onProgress: ({ fraction }) => progress.push(fraction),
    });
    assert.deepEqual(verification.findings, []);
    assert.deepEqual(verification.notes, []);
    const files = filesOf(present(verification.manifest)).length;
    assert.deepEqual(
      verification.checks.map(({ name, passed, of: all, skipped }) => [name, passed, all, skipped]),
      [
        ['manifest', 1, 1, 0],
        ['files', files, files, 0],
        ['hashes', files, files, 0],
        ['frame', 1, 1, 0],
        ['weights', 6, 6, 0],
        ['graphs', 7, 7, 0],
        ['self-test', 6, 6, 0],
        ['kept-units', 2, 2, 0],
        ['ranking', 3, 3, 0],
      ],
    );
    assert.ok(progress.every((fraction, i) => i === 0 || fraction >= progress[i - 1]!));
    assert.equal(progress.at(-1), 1);
  });

  it('names every file in which one bit has turned', async () => {
    const path = await library.copy();
    for (const { path: file } of filesOf(await readManifest(path))) {
      await flipBit(join(path, file), -1);
      await findings(path, [file, /content has changed; expected sha256 [0-9a-f]{64}/]);
      await flipBit(join(path, file), -1);
    }
    await flipBit(join(path, a), 12);
    await flipBit(join(path, b), 12);
    const both = await verifyLibrary(path);
    assert.deepEqual(
      both.findings.map(({ file }) => file),
      [a, b],
    );
    // What is damaged is reported once; the rest is still looked at.
    assert.deepEqual(of(both, 'weights'), { name: 'weights', passed: 4, of: 6, skipped: 2 });
    assert.deepEqual(of(both, 'self-test'), { name: 'self-test', passed: 4, of: 6, skipped: 2 });
  });

  it('names every file that is missing, or is none any more', async () => {
    const path = await library.copy();
    const files = filesOf(await readManifest(path)).map((file) => file.path);
    for (const file of files) await rm(join(path, file));
    await findings(path, ...files.map((file): [string, RegExp] => [file, /no such file/]));
    const other = await library.copy();
    await rm(join(other, a));
    await mkdir(join(other, a));
    await rm(join(other, b));
    execFileSync('mkfifo', [join(other, b)]);
    await findings(other, [a, /no such file/], [b, /no such file/]);
  });

  it('tells files that were exchanged, of one width or of two', async () => {
    const path = await library.copy();
    await exchange(path, a, b);
    await findings(
      path,
      [a, new RegExp(`changed: it holds ${b}`)],
      [b, new RegExp(`changed: it holds ${a}`)],
    );
    const other = await library.copy();
    await exchange(other, a, narrow);
    await findings(
      other,
      [a, new RegExp(`\\d+ bytes: it holds ${narrow}; expected \\d+ bytes`)],
      [narrow, new RegExp(a)],
    );
  });

  it('tells an exchange that the manifest was changed to, by what the files say of themselves and by their outputs', async () => {
    const foreign = await library.copy();
    await rewrite(join(foreign, a), (_arrays, metadata) => void (metadata.id = 'block-01/w0010'));
    await vouchFor(foreign, a);
    await findings(foreign, [a, /its header says id "block-01\/w0010"; expected "block-00\/w0010"/]);
    const scaled = await library.copy();
    await rewrite(
      join(scaled, a),
      (arrays) => void ((arrays['blocks.0.mlp.fc2.weight']!.data as Float32Array)[7]! += 0.01),
    );
    await vouchFor(scaled, a);
    await findings(scaled, [a, /outputs differ from the recorded ones by .*; expected at most 0.00001/]);
  });

  it('refuses paths and links that leave the folder', async () => {
    for (const hostile of ['../outside', '/etc/passwd', 'blocks/../../x', 'C:\\x', './frame.safetensors']) {
      const path = await library.copy((manifest) => void (manifest.frame.path = hostile));
      await findings(path, ['manifest.json', /frame.path: expected a relative path inside the folder/]);
    }
    const path = await library.copy();
    await rename(join(path, a), join(path, '..', 'outside.safetensors'));
    await symlink(join(path, '..', 'outside.safetensors'), join(path, a));
    await rename(join(path, 'blocks/block-01'), join(path, '..', 'block-01'));
    await symlink('../../block-01', join(path, 'blocks/block-01'));
    const block = ['kept-units.json', 'w0020.safetensors', 'w0010.safetensors', 'w0005.safetensors'];
    const linked = (await readManifest(path)).blocks[1]!.descendants.flatMap(({ onnx }) =>
      onnx ? [onnx.path] : [],
    );
    await findings(
      path,
      [a, /a link that leaves the folder/],
      ...block.map((name): [string, RegExp] => [`blocks/block-01/${name}`, /leaves the folder/]),
      ...linked.map((name): [string, RegExp] => [name, /leaves/]),
    );
    const loop = await library.copy();
    await rm(join(loop, a));
    await symlink('w0010.safetensors', join(loop, a));
    await findings(loop, [a, /no such file/]);
  });

  it('says what is wrong inside a file that the manifest vouches for', async () => {
    const file = await library.copy();
    const bytes = await readFile(join(file, a));
    const length = Number(bytes.readBigUInt64LE());
    // The header's length is beyond the file.
    bytes.writeBigUInt64LE(2n ** 40n);
    await writeFile(join(file, a), bytes);
    await vouchFor(file, a);
    await findings(file, [a, /a header of 1099511627776 bytes in a file of/]);
    // The header is cut in the middle: what follows is data.
    bytes.writeBigUInt64LE(BigInt(length - 30));
    await writeFile(join(file, a), bytes);
    await vouchFor(file, a);
    await findings(file, [a, /its header is not JSON/]);

    const cut = await library.copy();
    await truncate(join(cut, 'frame.safetensors'), 60);
    await vouchFor(cut, 'frame.safetensors');
    await findings(cut, ['frame.safetensors', /a header of \d+ bytes in a file of 60 bytes/]);

    const values = await library.copy();
    await rewrite(
      join(values, a),
      (arrays) => void ((arrays['blocks.0.mlp.fc1.bias']!.data as Float32Array)[3] = NaN),
    );
    await rewrite(join(values, b), (arrays) => {
      const { data } = arrays['blocks.1.mlp.fc1.weight']!;
      arrays['blocks.1.mlp.fc1.weight'] = { shape: [12, 10], data };
    });
    await rewrite(
      join(values, 'frame.safetensors'),
      (arrays) => void ((arrays['norm.bias']!.data as Float32Array)[0] = -Infinity),
    );
    await vouchFor(values, a, b, 'frame.safetensors');
    await findings(
      values,
      [a, /tensor blocks.0.mlp.fc1.bias: NaN at index 3/],
      [b, /blocks.1.mlp.fc1/],
      ['frame.safetensors', /tensor norm.bias: -Infinity at index 0/],
    );

    const vectors = await library.copy();
    await rewrite(join(vectors, 'self-test.safetensors'), (arrays) => {
      delete arrays['block-01/w0010'];
      (arrays['block-00/w0005']!.data as Float32Array)[0] = NaN;
    });
    await vouchFor(vectors, 'self-test.safetensors');
    await findings(vectors, [b, /no tensor "block-01\/w0010"/], [narrow, /NaN at index 0/]);
  });

  it('checks kept units: a list for each width, distinct, in range', async () => {
    const units = 'blocks/block-00/kept-units.json';
    const changed = async (change: (lists: Record<string, unknown>) => unknown): Promise<string> => {
      const path = await library.copy();
      const lists = JSON.parse(await readFile(join(path, units), 'utf8')) as Record<string, unknown>;
      await writeFile(join(path, units), JSON.stringify(change(lists) ?? lists));
      await vouchFor(path, units);
      return path;
    };
    const key = Object.keys(JSON.parse(await readFile(join(library.path, units), 'utf8')) as object).filter(
      (name) => name.includes('10'),
    )[0]!;
    const cases: [(lists: Record<string, unknown>) => unknown, RegExp][] = [
      [
        (lists) => void ((lists[key] as number[])[1] = (lists[key] as number[])[0]!),
        /unit \d+ twice; expected distinct/,
      ],
      [(lists) => void ((lists[key] as number[])[1] = 20), /lists unit 20; expected units 0 to 19/],
      [(lists) => void ((lists[key] as number[])[1] = 0.5), /lists unit 0.5/],
      [(lists) => void (lists[key] as number[]).pop(), /lists 9 units; expected 10/],
      [
        (lists) => void Reflect.deleteProperty(lists, key),
        /no list .*; expected the kept units of block-00\/w0010/,
      ],
      [() => [], /not a JSON object/],
    ];
    for (const [change, words] of cases) await findings(await changed(change), [units, words]);
    const text = await library.copy();
    await writeFile(join(text, units), '{"w0010": [1,');
    await vouchFor(text, units);
    await findings(text, [units, /not a JSON object/]);
  });

  it('checks that the tables say what the manifest says, in the columns that both know', async () => {
    const path = await library.copy();
    const csv = await readFile(join(path, 'ranking.csv'), 'utf8');
    const [header, first, second, ...rest] = csv.split('\n') as [string, string, string, ...string[]];
    const save = async (...lines: string[]) => {
      await writeFile(join(path, 'ranking.csv'), lines.join('\n'));
      await vouchFor(path, 'ranking.csv');
    };
    await save(
      `${header},of_another_version`,
      ...[first, second, ...rest].map((line) => line && `${line},7`),
    );
    await findings(path);
    await save(header, second, first, ...rest);
    await findings(path, ['ranking.csv', /row 1: (overall_rank|id) .*, as the manifest has it/]);
    await save(header, first, ...rest);
    await findings(path, ['ranking.csv', /3 rows; expected 4/]);
    await save('nonsense');
    await findings(path, ['ranking.csv', /0 rows/]);
    await save(header, first, second, ...rest);
    await findings(path);

    const json = JSON.parse(await readFile(join(path, 'ranking.json'), 'utf8')) as {
      entries: Record<string, unknown>[];
    };
    json.entries[1]!.top1_delta_pp = 3;
    await writeFile(join(path, 'ranking.json'), JSON.stringify(json));
    await vouchFor(path, 'ranking.json');
    await findings(path, ['ranking.json', /row 2: top1_delta_pp 3; expected -/]);

    const ranks = await library.copy((manifest) => void (manifest.ranking.entries[0]!.rank += 1));
    await findings(ranks, ['manifest.json', /ranking.entries.0 \(block-0\d\/w\d+\): rank 2; expected 1/]);
  });

  it('says everything that is wrong with a manifest', async () => {
    const newer = await library.copy((manifest) => ({ ...manifest, schemaVersion: 2 }));
    await findings(newer, [
      'manifest.json',
      /schemaVersion 2, newer than this BlockForge; expected 1 or lower/,
    ]);
    const several = await library.copy((manifest) => {
      manifest.ranking.entries[0]!.id = 'block-07/w0001';
      manifest.uniform[0]!.descendants[1] = 'block-00/w0010x';
    });
    await findings(
      several,
      ['manifest.json', /ranking.entries.0.id: no such descendant/],
      ['manifest.json', /uniform.0.descendants: expected one descendant/],
    );
    const cut = await library.copy();
    await truncate(join(cut, 'manifest.json'), 300);
    await findings(cut, ['manifest.json', /damaged: /]);
    const verification = await verifyLibrary(cut);
    assert.equal(verification.manifest, undefined);
    assert.deepEqual(
      verification.checks.map(({ name }) => name),
      ['manifest'],
    );
  });

  it('mentions what nobody vouches for, and is not led out of the folder by it', async () => {
    const path = await library.copy();
    await writeFile(join(path, 'extra.bin'), 'x');
    await symlink('/', join(path, 'blocks', 'everything'));
    await mkdir(join(path, 'profiles'));
    await writeFile(join(path, 'profiles', 'phone.json'), `{"manifestSha256": "${'0'.repeat(64)}"}`);
    await writeFile(join(path, 'profiles', 'laptop.json'), '{"name": "laptop"}');
    await writeFile(join(path, 'profiles', 'broken.json'), '{');
    const { findings: found, notes } = await verifyLibrary(path);
    assert.deepEqual(found, []);
    assert.deepEqual(notes, [
      { file: 'blocks/everything', note: 'not in the manifest' },
      { file: 'extra.bin', note: 'not in the manifest' },
      { file: 'profiles/broken.json', note: 'not JSON' },
      { file: 'profiles/phone.json', note: 'made from another manifest than this one' },
    ]);
  });
});
