import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { loadEngine, type EngineName } from '../../pipeline/tensor/engine.ts';
import { installedEngines } from '../../pipeline/tensor/installed.ts';

/**
 * One `describe` per engine that is installed here, with that engine switched on, and with a check after each test
 * that it left no tensor behind.
 */
export function describeOnEachEngine(title: string, body: (engine: EngineName) => void): void {
  for (const engine of enginesToTest()) {
    describe(`${title} [${engine}]`, () => {
      const switchOn = async (): Promise<void> => {
        if (tf.getBackend() !== engine) await loadEngine(engine);
      };
      let tensors = 0;

      before(switchOn);
      // Before each test too: a nested describe may have switched in between.
      beforeEach(async () => {
        await switchOn();
        tensors = tf.memory().numTensors;
      });

      afterEach(() => {
        assert.equal(tf.memory().numTensors, tensors, 'tensors left behind by this test (expected none)');
      });

      body(engine);
    });
  }
}

/** Those that BLOCKFORGE_TEST_ENGINES names, comma-separated; else tensorflow, where it is installed, and wasm. */
export function enginesToTest(): readonly EngineName[] {
  const named = process.env.BLOCKFORGE_TEST_ENGINES;
  if (named !== undefined && named !== '') return named.split(',') as EngineName[];
  return installedEngines().tensorflow === undefined ? ['wasm'] : ['tensorflow', 'wasm'];
}
