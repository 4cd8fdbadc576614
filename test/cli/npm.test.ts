import assert from 'node:assert/strict';
import { refuseForgottenDashes, whereTheUserIs } from '../../pipeline/cli/npm.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { packageFolder } from '../../pipeline/util/package.ts';

const script = { npm_lifecycle_event: 'pipeline', npm_package_name: 'blockforge', npm_config_yes: '' };

/** What npm 11 leaves in the environment. */
const withTaken = (taken: Readonly<Record<string, string>>) => ({
  ...script,
  ...Object.fromEntries(Object.entries(taken).map(([name, value]) => [`npm_config_${name}`, value])),
});

describe('cli/npm', () => {
  const cases: [string, Readonly<Record<string, string>>, string, string][] = [
    ['--config x.yaml --runs y', { config: 'true', runs: 'true' }, 'x.yaml y', '--config x.yaml --runs y'],
    ['demo.yaml --runs y', { runs: 'true' }, 'demo.yaml y', 'demo.yaml --runs y'],
    [
      '--config=x.yaml --plan',
      { config: 'x.yaml', parseable: 'true', long: 'true', all: 'true' },
      '',
      '--config x.yaml --plan',
    ],
    ['-c x.yaml', { call: 'x.yaml' }, '', '-c x.yaml'],
    ['x --set a=1 --set b=2', { set: 'true\n\ntrue' }, 'x a=1 b=2', '--set ... --set ...'],
    [
      'compose runs/demo --params 60% --dry-run',
      { params: 'true', dry_run: 'true' },
      'compose runs/demo 60%',
      'compose runs/demo --params 60% --dry-run',
    ],
  ];
  for (const [typed, taken, words, line] of cases) {
    it(`names the line that was meant by "npm run pipeline ${typed}"`, () => {
      assert.throws(
        () => refuseForgottenDashes(withTaken(taken), words.split(' ').filter(Boolean)),
        ({ failure }: BlockForgeError) => {
          assert.equal(failure.reason, 'usage');
          const [, , given] = /^(npm run pipeline --) (.*)$/.exec(failure.next ?? '') ?? [];
          const parts = (text = '') => text.split(/ (?=-)/).sort();
          assert.deepEqual(parts(given), parts(line));
          return true;
        },
      );
    });
  }

  it('leaves alone what npm has from its settings, and other scripts', () => {
    refuseForgottenDashes(withTaken({ json: 'true', cafile: '/x', update_notifier: '' }), ['demo']);
    refuseForgottenDashes({ ...withTaken({ runs: 'true' }), npm_lifecycle_event: 'other' }, ['demo']);
    refuseForgottenDashes({ npm_config_runs: 'true' }, ['demo']);
  });

  it('takes relative paths from where the user is, not from where npm went', () => {
    const env = { ...script, INIT_CWD: '/home/user' };
    assert.equal(whereTheUserIs(env, packageFolder), '/home/user');
    assert.equal(whereTheUserIs({ ...env, npm_lifecycle_event: 'other' }, packageFolder), packageFolder);
    assert.equal(whereTheUserIs(env, '/somewhere'), '/somewhere');
    assert.equal(whereTheUserIs(script, packageFolder), packageFolder);
  });
});
