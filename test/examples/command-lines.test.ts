import assert from 'node:assert/strict';
import { commandOf, exampleFiles, readExample, readYaml } from './files.ts';

/** Whatever the examples call is there: read by the program's own parser, which refuses what it does not know. */
describe('the command lines of the examples', () => {
  const queueBefore = process.env.BLOCKFORGE_QUEUE;
  before(() => {
    process.env.BLOCKFORGE_QUEUE = 'redis://127.0.0.1';
  });
  after(() => {
    if (queueBefore === undefined) delete process.env.BLOCKFORGE_QUEUE;
    else process.env.BLOCKFORGE_QUEUE = queueBefore;
  });

  it('are understood where containers are given them', () => {
    const found = exampleFiles
      .filter((path) => /\.ya?ml$/.test(path))
      .flatMap((path) => readYaml(path).flatMap((document) => [...containerWords(document)]))
      .map((words) => commandOf(words));
    assert.deepEqual(found.sort(), ['run', 'run', 'run', 'worker', 'worker']);
  });

  it('are understood where they stand in texts', () => {
    const lines = exampleFiles.flatMap((path) => [...linesIn(readExample(path))]);
    assert.ok(lines.length >= 4, `${lines.length}`);
    for (const line of lines) assert.notEqual(commandOf(line.split(/\s+/)), 'text', line);
  });
});

/** The words behind our image's entry point, in a compose file or a Kubernetes object. */
function* containerWords(value: unknown): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  const { image, args, command } = value as { image?: unknown; args?: string[]; command?: string[] };
  const words = args ?? command;
  if (typeof image === 'string' && image.includes('blockforge:') && words !== undefined)
    yield words.map((word) => word.replace(/^\$\{\w+:-([^}]*)\}$/, '$1'));
  for (const part of Object.values(value)) yield* containerWords(part);
}

/** What stands behind `npm run pipeline --`, or behind an image in `docker run`: to the end of the line. */
function* linesIn(text: string): Generator<string> {
  for (const line of text.split('\n')) {
    const match = /npm run pipeline -- (.*)$/.exec(line) ?? /docker run .* blockforge:\w+ (.*)$/.exec(line);
    if (match?.[1] !== undefined) yield match[1].trim();
  }
}
