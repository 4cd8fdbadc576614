import assert from 'node:assert/strict';
import { parseStore, storeProblem } from '../../pipeline/runner/parse-store.ts';

describe('the place of a store', () => {
  it('is a folder that everybody sees, or a bucket and what stands before its keys', () => {
    assert.deepEqual(parseStore('folder'), { kind: 'folder' });
    assert.deepEqual(parseStore('s3://runs'), { kind: 's3', bucket: 'runs', prefix: '' });
    assert.deepEqual(parseStore('s3://runs/'), { kind: 's3', bucket: 'runs', prefix: '' });
    assert.deepEqual(parseStore('s3://my.runs-1/team/a_b/'), {
      ...{ kind: 's3', bucket: 'my.runs-1', prefix: 'team/a_b' },
    });
  });

  it('is refused where it is anything else, and a key in it is not repeated', () => {
    for (const text of ['', 'Folder', '/mnt/runs', 's3:/x', 'http://host/bucket', 'gs://bucket']) {
      assert.match(storeProblem(text) ?? '', /expected "folder" or "s3:/, text);
    }
    for (const text of ['s3://', 's3:///x', 's3://AB', 's3://a', 's3://under_score/x']) {
      assert.match(storeProblem(text) ?? '', /name of a bucket/, text);
    }
    for (const text of ['s3://runs/../x', 's3://runs/a//b', 's3://runs/a b', 's3://runs/.']) {
      assert.match(storeProblem(text) ?? '', /expected a prefix/, text);
    }
    assert.throws(
      () => parseStore('s3://key:secret@host/bucket'),
      ({ message }: Error) => message.includes('AWS_ACCESS_KEY_ID') && !message.includes('secret@'),
    );
  });
});
