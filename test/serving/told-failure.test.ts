import assert from 'node:assert/strict';
import { toldFailure } from '../../pipeline/serving/told-failure.ts';

describe('the last words of a device that does not start', () => {
  const failure = {
    reason: 'library-invalid',
    subject: 'a.onnx',
    found: 'no such file',
    next: 'copy it again',
  };

  it('are its own failure, not a line of JSON in another one', () => {
    const line = JSON.stringify({ type: 'error', exitCode: 3, ...failure });
    assert.deepEqual(toldFailure(`a warning\n${line}\n`), { ...failure, expected: undefined });
  });

  it('are no failure where it was ended, or said half of it', () => {
    assert.equal(toldFailure('Killed\n'), undefined);
    assert.equal(toldFailure('{"type":"error","exitCode":3,"rea'), undefined);
    assert.equal(toldFailure('{"type":"error","exitCode":1}'), undefined);
  });
});
