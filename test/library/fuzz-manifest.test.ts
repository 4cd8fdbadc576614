import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../pipeline/library/manifest.ts';
import { openLibrary } from '../../pipeline/library/open.ts';
import { readLibrarySummary } from '../../pipeline/cli/show/read.ts';
import { verifyLibrary } from '../../pipeline/verify/library.ts';
import { plain } from '../../pipeline/terminal/terminal.ts';
import { renderSummary } from '../../pipeline/cli/show/command.ts';
import { renderVerification } from '../../pipeline/cli/verify/render.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { patients, type Patients } from './damage.ts';
import { present } from '../support/present.ts';

const mark = '@hostile@';

interface Survived {
  readonly end: 'whole' | 'damaged' | 'refused';
  readonly findings: number;
}

/** JSON text of values that a hand, a broken disk or an enemy may leave in a manifest. */
const hostile = fc.oneof(
  fc.constantFrom(
    'null',
    '-1',
    '0',
    '0.5',
    '1e308',
    '1e999',
    '-1e999',
    '9007199254740991',
    '9007199254740992',
    '1e-320',
    'true',
    '""',
    '"../../etc/passwd"',
    '"/dev/zero"',
    '"manifest.json"',
    '"\\u0000"',
    '"\\u001b[2J"',
    '"\\ud800"',
    '[]',
    '{}',
    '{"__proto__": {"polluted": 1}}',
    '{"constructor": {"prototype": {"polluted": 1}}}',
  ),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  fc.nat(20_000).map((levels) => '['.repeat(levels) + ']'.repeat(levels)),
  fc.nat(20_000).map((levels) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)),
  fc.nat(20_000).map((count) => `[${new Array(count + 1).fill('{}').join()}]`),
  fc.nat(100_000).map((length) => JSON.stringify('a/'.repeat(length))),
);

describe('library/fuzz: hostile manifests', function () {
  this.timeout(60_000);
  let library: Patients;
  let path: string;
  let text: string;
  before(async () => {
    library = await patients();
    path = await library.copy();
    text = await readFile(join(path, 'manifest.json'), 'utf8');
  });
  after(() => library.remove());

  /** Opens, verifies and shows it: each ends with a result or with a failure in words, and soon. */
  const survive = async (content: string | Uint8Array): Promise<Survived> => {
    await writeFile(join(path, 'manifest.json'), content);
    const started = performance.now();
    const before = process.memoryUsage().arrayBuffers;
    const verification = await verifyLibrary(path);
    renderVerification(verification, plain);
    let usable = true;
    try {
      const opened = await openLibrary(path, { check: 'sizes' });
      for (const { descendants } of opened.manifest.blocks)
        for (const { id } of descendants) await opened.readFfn(id);
      renderSummary(await readLibrarySummary(path), plain);
    } catch (error) {
      assert.ok(error instanceof BlockForgeError, error instanceof Error ? error.stack : String(error));
      assert.ok(
        ['library-invalid', 'file-invalid', 'file-missing'].includes(error.failure.reason),
        error.message,
      );
      assert.ok(error.message.length < 5000, `a message of ${error.message.length} characters`);
      usable = false;
    }
    assert.ok(performance.now() - started < 15_000, 'took long');
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 2 ** 20);
    assert.ok(verification.findings.every(({ found }) => found.length < 1000));
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
    if (!usable) assert.notEqual(verification.findings.length, 0, 'what cannot be opened is not whole');
    const findings = verification.findings.length;
    return { findings, end: findings === 0 ? 'whole' : usable ? 'damaged' : 'refused' };
  };

  it('whatever value stands at whatever place', async () => {
    const places: (string | number)[][] = [];
    const walk = (value: unknown, place: (string | number)[]): void => {
      if (place.length > 0) places.push(place);
      if (value === null || typeof value !== 'object') return;
      for (const [key, member] of Object.entries(value)) walk(member, [...place, key]);
    };
    walk(JSON.parse(text), []);
    const results = { whole: 0, damaged: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), hostile, async (place, value) => {
        const changed = JSON.parse(text) as Manifest;
        let parent = changed as unknown as Record<string | number, unknown>;
        for (const key of place.slice(0, -1)) parent = parent[key] as typeof parent;
        parent[present(place.at(-1))] = mark;
        const { end } = await survive(JSON.stringify(changed).replace(JSON.stringify(mark), () => value));
        results[end]++;
      }),
      { numRuns: 100, seed: 7 },
    );
    assert.ok(results.refused > 50, JSON.stringify(results));
  });

  it('whatever bytes are changed or lost', async () => {
    const good = Buffer.from(text);
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 3 }),
        fc.option(fc.nat(good.length), { freq: 3 }),
        async (changes, cut) => {
          const bytes = Buffer.from(good);
          for (const [place, value] of changes) bytes[place] = value;
          await survive(cut === null ? bytes : bytes.subarray(0, cut));
        },
      ),
      { numRuns: 40, seed: 7 },
    );
  });

  it('in seconds and with a handful of problems, where hundreds of thousands of values are wrong', async () => {
    const manifest = JSON.parse(text) as Manifest;
    const nothings = (count: number) => new Array<object>(count).fill({});
    const swollen: [string, unknown][] = [
      ['blocks', nothings(200_000)],
      ['uniform', nothings(400_000)],
      ['blocks', manifest.blocks.map((block) => ({ ...block, descendants: nothings(100_000) }))],
    ];
    for (const [key, value] of swollen) {
      const { end, findings } = await survive(JSON.stringify({ ...manifest, [key]: value }));
      assert.equal(end, 'refused', key);
      assert.ok(findings <= 110, `${findings} findings`);
    }
  });
});
