import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { blockforge as cli } from '../../pipeline/cli/blockforge.ts';
import { commands } from '../../pipeline/cli/commands.ts';
import { fakeTerminal } from '../terminal/events.ts';

const names = ['run', ...commands.map(({ name }) => name)];
/** Looking a machine over takes a second, and takes no places. */
const tried = names.filter((name) => name !== 'doctor');

/** Whatever is typed is understood or refused, in words: nothing is a bug. */
describe('the command line', () => {
  let cwd: string;
  let blockforge: typeof cli;
  before(async () => {
    // As the commands' own code is: what is required and what is imported are two copies here.
    ({ blockforge } = await import('../../pipeline/cli/blockforge.ts'));
    cwd = mkdtempSync(join(tmpdir(), 'blockforge-fuzz-'));
    writeFileSync(join(cwd, 'file'), 'text');
    writeFileSync(join(cwd, 'list.yaml'), '- 1\n');
    symlinkSync('loop', join(cwd, 'loop'));
  });
  after(() => rmSync(cwd, { recursive: true }));

  const places = [
    '/dev/null',
    '/dev/full',
    '/dev/zero',
    '/proc/self/mem',
    '/proc/blockforge/x',
    '/proc/self/fd/0/x',
    '/sys/kernel',
    'file',
    'file/inside',
    'list.yaml',
    'loop',
    'loop/x',
    'x'.repeat(300),
    `${'y/'.repeat(3000)}z`,
    '.',
    '..',
    '',
    ' ',
    'caf\u00e9\ufffd',
    'nothing\0there',
    'a\nb',
    '\x1b[31mred',
    '\u202egpj.exe',
    '~',
    '-',
    '--',
  ];
  const place = fc.constantFrom(...places);
  const text = fc.oneof(
    place,
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      '0',
      '-1',
      '1e308',
      'NaN',
      'Infinity',
      '0x10',
      '60%',
      '999999999999999999999',
      '1.5',
      'true',
      '[',
      '{a: &a [*a]}',
    ),
  );
  const options = [
    'config',
    'set',
    'engine',
    'seed',
    'plan',
    'from',
    'only',
    'runs',
    'quiet',
    'json',
    'measure',
  ];
  const more = [
    'split',
    'out',
    'profile',
    'batch',
    'threads',
    'iterations',
    'name',
    'add',
    'list',
    'params',
    'top',
  ];
  const option = fc
    .oneof(
      fc.constantFrom(...options, ...more, 'pareto', 'latency', 'max-drop', '__proto__', 'constructor'),
      fc.string({ maxLength: 8 }),
    )
    .map((name) => `--${name}`);
  const words = fc
    .tuple(
      fc.constantFrom(...tried, ''),
      fc.array(
        fc.oneof(
          text,
          option,
          fc.tuple(option, text).map((pair) => pair.join('=')),
        ),
        { maxLength: 6 },
      ),
    )
    .map(([name, rest]) => (name === '' ? rest : [name, ...rest]));

  const codeOf = async (argv: readonly string[]): Promise<number> => {
    const stdout = fakeTerminal();
    const stderr = fakeTerminal();
    const around = { stdout, stderr, cwd, unheard: new AbortController().signal, commands: names };
    const code = await blockforge(argv, around, '1.2.3');
    assert.doesNotMatch(
      stderr.text(),
      /This is a bug|"reason":"bug"/,
      `${JSON.stringify(argv)}\n${stderr.text()}`,
    );
    if (argv.includes('--json') && code !== 0 && !argv.includes('--'))
      JSON.parse(stderr.text().trim().split('\n').at(-1) ?? '');
    return code;
  };

  it('is understood or refused, whatever is typed', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(words, async (argv) => {
        const code = await codeOf(argv);
        assert.ok([0, 2, 3, 4].includes(code), `${JSON.stringify(argv)}: exit ${code}`);
      }),
      { numRuns: 40 },
    );
  });

  for (const name of tried.slice(2)) {
    it(`refuses every place that holds no library: ${name}`, async () => {
      const needed: Readonly<Record<string, readonly string[]>> = {
        legodnn: ['--out', 'x'],
        compose: ['--params', '60%'],
      };
      for (const path of places.filter((other) => !other.startsWith('-') && other !== '')) {
        assert.ok([2, 3].includes(await codeOf([name, path, ...(needed[name] ?? [])])), path);
      }
    });
  }

  it('refuses every place that holds no config', async () => {
    for (const path of places.filter((other) => !other.startsWith('-') && other !== '')) {
      assert.ok([2, 3].includes(await codeOf(['--plan', '--config', path])), path);
    }
  });
});
