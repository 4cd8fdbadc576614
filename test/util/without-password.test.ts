import assert from 'node:assert/strict';
import { withoutPassword } from '../../pipeline/util/without-password.ts';

describe('a URL as it may be shown', () => {
  const table: readonly (readonly [given: string, shown: string])[] = [
    ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    ['redis://me:hunter2@host:6379/1', 'redis://me:***@host:6379/1'],
    ['redis://:hunter2@host', 'redis://***@host'],
    ['https://hunter2@host/x', 'https://***@host/x'],
    ['rediss://me:hunt/er@2@host', 'rediss://me:***@host'],
    ['http://host/?user=me&password=hunter2&x=1', 'http://host/?user=me&password=***&x=1'],
    ['http://host/?access_token=hunter2#top', 'http://host/?access_token=***#top'],
    [
      'no answer of redis://me:hunter2@host, nor of s3://bucket',
      'no answer of redis://me:***@host, nor of s3://bucket',
    ],
    ['write to me@example.org', 'write to me@example.org'],
  ];
  for (const [given, shown] of table)
    it(`${given} is ${shown}`, () => assert.equal(withoutPassword(given), shown));
});
