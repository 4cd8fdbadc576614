import assert from 'node:assert/strict';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import type { Failure } from '../../pipeline/util/failure.ts';
import { parseLine as parse } from './parse.ts';

function refused(line: string): Failure {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof BlockForgeError) return error.failure;
    throw error;
  }
  throw new Error(`"${line}" was accepted`);
}

const bare = {
  name: 'run',
  config: 'a.yaml',
  overrides: [],
  runs: 'runs',
  plan: false,
  quiet: false,
  json: false,
};

describe('cli/arguments', () => {
  it('takes the config as an option or by itself, with or without the command', () => {
    for (const line of ['--config a.yaml', '-c a.yaml', 'a.yaml', 'run a.yaml', 'run --config=a.yaml']) {
      assert.deepEqual(parse(line), bare, line);
    }
  });

  it('reads every option, the named ones as overrides that win', () => {
    assert.deepEqual(
      parse(
        '--set seed=3 a.yaml --set distill.duration.epochs=3 --seed 7 --engine wasm --from order --runs out --plan --quiet --json',
      ),
      {
        ...bare,
        overrides: ['seed=3', 'distill.duration.epochs=3', 'engine=wasm', 'seed=7'],
        runs: 'out',
        plan: true,
        from: 'order',
        quiet: true,
        json: true,
      },
    );
    assert.deepEqual(parse('a.yaml --only profile'), { ...bare, only: 'profile' });
  });

  it('reads show and doctor', () => {
    const asked = { name: 'show', library: 'runs/demo' };
    assert.deepEqual(parse('show runs/demo --json'), { ...asked, json: true, wide: false });
    assert.deepEqual(parse('show runs/demo --wide'), { ...asked, json: false, wide: true });
    assert.deepEqual(parse('doctor'), { name: 'doctor', json: false });
  });

  it('gives help and version back as text', () => {
    assert.deepEqual(parse('--version'), { name: 'text', text: '1.2.3' });
    const help = parse('show --help');
    assert.ok(help.name === 'text' && String(help.text).includes('library folder or run folder'));
  });

  it('tells a name that lacks from none at all', () => {
    assert.equal(refused('predict').found, 'no library named');
    const { found, next } = refused('predict runs/demo/deployment');
    assert.equal(found, '1 of the 2 names that it needs');
    assert.match(next ?? '', /predict --help/);
  });

  it('refuses with the nearest right thing', () => {
    const cases: [string, string, RegExp | undefined][] = [
      ['', '--config', /--help/],
      ['a.yaml --confg b', 'confg', /^did you mean --config\?$/],
      ['a.yaml --sede 3', 'sede', /^did you mean --seed\?$/],
      ['a.yaml --json5x', 'json5x', /^did you mean --json\?$/],
      ['a.yaml --distill.enabled=false', 'distill.enabled', /--set distill\.enabled=/],
      ['a.yaml b.yaml', 'b.yaml', /./],
      ['a.yaml shw', 'shw', /^did you mean show\?$/],
      ['a.yaml --from mesure', '--from mesure', /^did you mean "measure"\?$/],
      ['a.yaml --only 5', '--only 5', undefined],
      ['a.yaml --engine wsam', '--engine wsam', /^did you mean "wasm"\?$/],
      ['a.yaml --seed x', '--seed x', undefined],
      ['a.yaml --stop-after tonight', '--stop-after tonight', undefined],
      ['a.yaml --retry-failed --only measure', '--retry-failed', undefined],
      ['a.yaml --retry-failed --from measure', '--retry-failed', undefined],
      ['a.yaml --seed -1', '--seed -1', undefined],
      ['a.yaml --seed 1 --seed 2', '--seed', undefined],
      ['a.yaml --config b.yaml', 'a.yaml', undefined],
      ['a.yaml --set', '--set', /--help/],
      ['show', 'show', undefined],
      ['show x --quiet', 'quiet', /./],
    ];
    for (const [line, subject, next] of cases) {
      const failure = refused(line);
      assert.equal(failure.reason, 'usage', line);
      assert.equal(failure.subject, subject, line);
      if (next === undefined) assert.equal(failure.next, undefined, line);
      else assert.match(failure.next ?? '', next, line);
    }
  });
});
