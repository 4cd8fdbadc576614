import assert from 'node:assert/strict';
import { dataFiles, openSource } from '../../datasets/open.ts';
import { configSchema } from '../../pipeline/config/schema.ts';
import { failure } from './fakes.ts';

const data = (given: object) =>
  configSchema.parse({ teacher: { checkpoint: 'x' }, data: { source: 'shapes', ...given } }).data;

describe('openSource', () => {
  it('opens shapes with the defaults', async () => {
    const source = await openSource(data({}), { seed: 1 });
    assert.equal(source.items.length, 6000);
    assert.equal(source.items.filter(({ origin }) => origin === 'test').length, 1000);
    assert.deepEqual(await dataFiles(data({})), []);
  });

  for (const source of ['folder', 'idx', 'cifar10', 'cifar100']) {
    it(`asks for a path and names it when it is wrong: ${source}`, async () => {
      await assert.rejects(
        openSource(data({ source }), { seed: 1 }),
        failure('config-invalid', 'data.path', source),
      );
      const missing = data({ source, path: '/nowhere/at/all' });
      await assert.rejects(
        openSource(missing, { seed: 1 }),
        failure('file-missing', '/nowhere/at/all', 'expected:', 'data.path'),
      );
      if (source !== 'folder')
        await assert.rejects(dataFiles(missing), failure('file-missing', '/nowhere/at/all'));
    });
  }
});
