import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { exitCodeOf, type BlockForgeError } from '../../pipeline/util/failure.ts';
import { present } from '../support/present.ts';
import { failureOf, refuseWrite, systemFailure } from '../../pipeline/util/system-failure.ts';

const refused = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: no`), { code, syscall: 'open', path: '/data/runs/demo/.lock', ...more });
const places = [
  { option: '--runs DIR', path: '/data/runs' },
  { option: '--config FILE', path: '/data/demo.yaml' },
];

describe('what the system refuses', () => {
  it('is one failure with the path, what is wrong and the option that names another place', () => {
    assert.deepEqual(systemFailure(refused('EACCES'), places), {
      reason: 'place-unusable',
      subject: '/data/runs/demo/.lock',
      found: 'this user may not use it (EACCES)',
      next: 'change its permissions, or give another place with --runs DIR',
    });
    assert.equal(
      systemFailure(refused('ENOTDIR', { path: '/data' }), places)?.next,
      'give another place with --config FILE',
    );
    assert.equal(systemFailure(refused('EISDIR', { path: '/etc' }), places)?.next, 'give another place');
  });

  it('exits with 3 for a place and with 4 for what is used up', () => {
    const exits = (code: string) => exitCodeOf(present(systemFailure(refused(code))).reason);
    const place = [
      'EACCES',
      'EPERM',
      'EROFS',
      'ENOTDIR',
      'EISDIR',
      'ENAMETOOLONG',
      'ELOOP',
      'ENXIO',
      'EEXIST',
    ];
    assert.deepEqual(
      place.map(exits),
      place.map(() => 3),
    );
    const used = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'ENOMEM'];
    assert.deepEqual(
      used.map(exits),
      used.map(() => 4),
    );
  });

  it('names the file that was meant, not the temporary one beside it or none at all', () => {
    for (const path of ['/data/runs/a.json.tmp-12ab', undefined]) {
      assert.throws(
        () => refuseWrite(refused('EFBIG', { path }), '/data/runs/a.json'),
        (error: BlockForgeError) => {
          assert.equal(error.failure.subject, '/data/runs/a.json');
          // Told again where the places are known.
          assert.match(failureOf(error, places)?.next ?? '', /ulimit -f .* with --runs DIR$/);
          return true;
        },
      );
    }
  });

  it('is told of the whole where a file in its temporary folder was refused', () => {
    const path = '/data/runs/model.tmp-12ab/a.onnx';
    const inner = () => refuseWrite(refused('EFBIG', { path: undefined }), path);
    const outer = () => {
      try {
        inner();
      } catch (error) {
        refuseWrite(error, '/data/runs/model');
      }
    };
    assert.throws(outer, (error: BlockForgeError) => {
      assert.equal(error.failure.subject, '/data/runs/model');
      assert.match(failureOf(error, places)?.next ?? '', /with --runs DIR$/);
      return true;
    });
  });

  it('is nothing else: bugs and networks stay what they are', () => {
    assert.equal(systemFailure(new TypeError('x is not a function')), undefined);
    assert.equal(systemFailure(refused('ETIMEDOUT', { syscall: 'connect', path: undefined })), undefined);
    assert.equal(systemFailure(refused('toString')), undefined);
    assert.equal(systemFailure('EACCES'), undefined);
  });

  it('knows a path that no system takes', () => {
    assert.throws(
      () => readFileSync('a\0b'),
      (error) => systemFailure(error)?.reason === 'usage',
    );
  });
});
