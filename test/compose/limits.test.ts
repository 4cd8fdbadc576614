import assert from 'node:assert/strict';
import { parseDrop, parseLimit } from '../../pipeline/compose/limits.ts';
import { BlockForgeError, type Failure } from '../../pipeline/util/failure.ts';
import { parseLine } from '../cli/parse.ts';

const parse = (line: string) => parseLine(`compose lib ${line}`);

function refused(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof BlockForgeError) return error.failure;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('compose/limits', () => {
  it('reads amounts in their units, and shares of the teacher', () => {
    assert.deepEqual(parseLimit('params', '60%'), { share: 0.6 });
    assert.deepEqual(parseLimit('params', '3.1M'), { amount: 3.1e6 });
    assert.deepEqual(parseLimit('params', '3100000'), { amount: 3.1e6 });
    assert.deepEqual(parseLimit('macs', '1.2 G'), { amount: 1.2e9 });
    assert.deepEqual(parseLimit('size', '12MB'), { amount: 12e6 });
    assert.deepEqual(parseLimit('size', '12MiB'), { amount: 12 * 2 ** 20 });
    assert.deepEqual(parseLimit('latency', '0.5s'), { amount: 500 });
    assert.deepEqual(parseLimit('latency', '8ms'), { amount: 8 });
    assert.equal(parseDrop('1.5pp'), 1.5);
    assert.equal(parseDrop('0'), 0);
  });

  it('refuses what could mean two things, or nothing', () => {
    assert.match(refused(() => parseLimit('size', '12')).found, /^no unit; one of B,/);
    assert.match(refused(() => parseLimit('size', '12Mb')).found, /^no unit "Mb" here$/);
    assert.match(refused(() => parseLimit('latency', '8')).found, /^no unit/);
    assert.match(refused(() => parseLimit('params', 'many')).found, /^not an amount$/);
    assert.match(refused(() => parseLimit('params', '-1M')).found, /^not above 0$/);
    assert.match(refused(() => parseLimit('macs', '0%')).found, /^not above 0$/);
    assert.match(refused(() => parseDrop('2%')).found, /^a percentage could be/);
    assert.match(refused(() => parseDrop('-2pp')).found, /^not a number of points/);
    assert.match(refused(() => parseDrop('200pp')).found, /^more than/);
    assert.equal(refused(() => parseLimit('params', 'x')).subject, '--params x');
  });

  it('reads the command with its defaults', () => {
    assert.deepEqual(parse('--params 60% --max-drop 1.5pp'), {
      name: 'compose',
      library: 'lib',
      limits: { params: { share: 0.6 } },
      maxDropPp: 1.5,
      minimise: 'params',
      top: 1,
      writes: true,
      measures: true,
      engine: 'auto',
      json: false,
    });
    assert.deepEqual(parse('--macs 1M --top 3 --dry-run --profile laptop --json'), {
      name: 'compose',
      library: 'lib',
      limits: { macs: { amount: 1e6 } },
      profile: 'laptop',
      minimise: 'params',
      top: 3,
      writes: false,
      measures: false,
      engine: 'auto',
      json: true,
    });
    const front = parse('--pareto f.csv --by latency --max-drop 2');
    assert.ok(front.name === 'compose' && !front.writes && !front.measures);
    assert.deepEqual(front.front, { by: 'latency', file: 'f.csv' });
    const piped = parse('--pareto');
    assert.ok(piped.name === 'compose');
    assert.deepEqual(piped.front, { by: 'params' });
    const written = parse('--max-drop 2 --minimise size --out there --no-measure');
    assert.ok(written.name === 'compose' && written.writes && !written.measures);
    assert.equal(written.minimise, 'size');
  });

  it('refuses options that would be ignored', () => {
    const cases: [string, string][] = [
      ['', 'compose'],
      ['--params 60% --by macs', '--by'],
      ['--params 60% --max-drop 1 --minimise macs', '--minimise'],
      ['--params 60% --dry-run --out x', '--out'],
      ['--params 60% --no-measure --engine wasm', '--engine'],
      ['--params 60% --no-measure --config a.yaml', '--config'],
      ['--pareto --top 3', '--top'],
      ['--pareto --by macs --size 3MB', '--size'],
      ['--params 60% --top 0', '--top 0'],
      ['--params 60% --top 500', '--top 500'],
      ['--params 60% --params 50%', '--params'],
      ['--max-drop 1 --minimise speed', '--minimise speed'],
    ];
    for (const [line, subject] of cases) {
      const failure = refused(() => parse(line));
      assert.equal(failure.reason, 'usage', line);
      assert.equal(failure.subject, subject, line);
    }
  });
});
