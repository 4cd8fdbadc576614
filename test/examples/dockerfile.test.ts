import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { readExample, root } from './files.ts';

/** No engine of docker is asked: what can be told of the text. */
describe('the Dockerfile', () => {
  const text = readExample('docker/Dockerfile');
  /** What stands behind each of a kind of instructions. */
  const of = (keyword: string): string[] =>
    text
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line.startsWith(`${keyword} `))
      .map((line) => line.slice(keyword.length + 1).trim());

  it('is one, and a mistake in it would be told', () => {
    assert.deepEqual(validate(text), []);
    assert.notDeepEqual(validate(text.replaceAll('--from=', '--form=')), []);
    assert.notDeepEqual(validate(text.replace('WORKDIR /\n', 'WORKDIRS /\n')), []);
  });

  it('copies what .dockerignore lets through, and nothing else is let through', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.equal(ignored[0], '*');
    const admitted = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    for (const path of admitted) assert.ok(existsSync(join(root, path)), path);
    assert.equal(ignored.at(-1), '**/node_modules');
    const copied = of('COPY')
      .map((line) => line.split(/\s+/))
      .filter((words) => !words.some((word) => word.startsWith('/opt')))
      .flatMap((words) => words.slice(0, -1))
      .filter((word) => word !== '.');
    assert.ok(copied.length > 0);
    for (const path of copied) assert.ok(admitted.includes(path), path);
  });

  it('asks the set-up for engines that it has, and has a stage for each', () => {
    const stages = of('FROM').map((from) => from.split(' AS ')[1]);
    const setup = readFileSync(join(root, 'scripts', 'setup.js'), 'utf8');
    for (const engine of ['cpu', 'cuda']) {
      assert.ok(stages.includes(engine));
      assert.ok(setup.includes(`case '--${engine}':`));
    }
  });

  it('ends as somebody who is not root, in programs that are there', () => {
    assert.deepEqual(of('USER'), ['1000:1000']);
    const [entry] = of('ENTRYPOINT').map((line) => JSON.parse(line) as string[]);
    assert.equal(entry?.[0], 'node');
    for (const path of entry.slice(1)) assert.ok(existsSync(path.replace('/opt/blockforge', root)), path);
  });
});
