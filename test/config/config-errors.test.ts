import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../pipeline/config/load.ts';
import { methods } from '../../pipeline/stages/methods.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';

/**
 * Each folder of test/fixtures/config is one kind of mistake: `config.yaml`, optional `set.txt` with one override a
 * line, and the message in `expected.txt`. `UPDATE_FIXTURES=1` writes the messages anew; read the difference.
 */
const fixtures = fileURLToPath(new URL('../fixtures/config', import.meta.url));

describe('config errors', () => {
  for (const name of readdirSync(fixtures)) {
    it(`says what is wrong: ${name}`, () => {
      const cwd = join(fixtures, name);
      const sets = join(cwd, 'set.txt');
      const overrides = existsSync(sets) ? readFileSync(sets, 'utf8').trim().split('\n') : [];
      let message: string | undefined;
      try {
        loadConfig('config.yaml', methods, { cwd, overrides, searchFolder: cwd, env: {} });
      } catch (error) {
        assert.ok(error instanceof BlockForgeError, String(error));
        assert.match(error.failure.reason, /^(config-invalid|usage)$/);
        message = `${error.message.replaceAll(cwd, '<folder>')}\n`;
      }
      assert.ok(message !== undefined, 'the config was accepted');
      const file = join(cwd, 'expected.txt');
      if (process.env.UPDATE_FIXTURES) writeFileSync(file, message);
      assert.equal(message, readFileSync(file, 'utf8'));
    });
  }
});
