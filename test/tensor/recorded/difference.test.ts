import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { difference } from '../../../pipeline/tensor/recorded/difference.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

const ones = Array.from({ length: 99 }, () => 1);

describeOnEachEngine('the difference of a function’s results', () => {
  const cases: [string, number[][], number[][], RegExp][] = [
    ['none where all is equal', [[1, 2]], [[1, 2]], /^none$/],
    ['none within the tolerance', [[1, 1]], [[1.009, 1]], /^none$/],
    ['told beyond it', [[3], [1, 1]], [[3], [1.02, 1.02]], /^result 1 differs by 0\.0\d+ from 1 /],
    ['none in what is noise beside another result', [[100], [1e-9]], [[100], [-1e-9]], /^none$/],
    ['told where a small result is no noise', [[1], [0.1]], [[1], [-0.1]], /^result 1 differs/],
    ['none where what was wanted is not finite', [[NaN, Infinity, 1]], [[5, 5, 1]], /^none$/],
    [
      'told where numbers were wanted and none came',
      [[1, 2, 3]],
      [[NaN, NaN, 3]],
      /^result 0 differs by NaN/,
    ],
    ['told where the only number is lost', [[1]], [[NaN]], /^result 0 differs by NaN/],
    ['none where one number is lost', [[1, 2, 3]], [[NaN, 2, 3]], /^none$/],
    ['none in a pole among many numbers', [[...ones, 1e9]], [[...ones, 2e9]], /^none$/],
    ['unclear where a result has no finite number', [[1], [NaN, NaN]], [[1], [NaN, NaN]], /^unclear$/],
    ['none where there is nothing', [[]], [[]], /^none$/],
    ['told where shapes differ', [[1, 1]], [[1]], /^result 0 is float32\[1\] instead of float32\[2\]$/],
    ['told where a result is missing', [[1], [1]], [[1]], /^result 1 is undefined/],
  ];
  for (const [title, wanted, found, verdict] of cases) {
    it(`is ${title}`, () => {
      const upload = (rows: number[][]) => rows.map((row) => tf.tensor1d(row, 'float32'));
      tf.tidy(() => assert.match(difference(upload(found), upload(wanted), 0.01), verdict));
    });
  }
});
