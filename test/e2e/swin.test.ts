import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openLibrary } from '../../pipeline/library/open.ts';
import { startRuntime } from '../../pipeline/runtime/index.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import { present } from '../support/present.ts';
import { succeeded, workplace, type Workplace } from './blockforge.ts';

/** Two stages: 8 x 8 tokens in windows of 4, moved in the second block, then 4 x 4 of twice the width. */
const config = `
teacher:
  train:
    architecture:
      { family: swin, imageSize: 32, patchSize: 4, width: 32, depth: 4, heads: 4, hidden: 64, classes: 10,
        layerNormEpsilon: 1.0e-5, window: 4,
        stages: [{ depth: 2, width: 16, heads: 2, hidden: 32 }, { depth: 2, width: 32, heads: 4, hidden: 64 }] }
    epochs: 12
    batchSize: 64
    learningRate: 0.002
data: { source: shapes, shapes: { images: 3000 }, splits: { calibration: 300, selection: 200, test: 100 } }
statistics: { tokensPerImage: 40 }
descendants: { sparsities: [0.5, 0.75] }
distill: { duration: { steps: 10 } }
polish: { sparsities: [0.5], steps: 5 }
measure: { batchSize: 100, compositions: 4 }
`;

describe('a model whose blocks differ, from its training to what runs it', function () {
  this.timeout(300_000);
  let place: Workplace;
  const run = () => join(place.folder, 'runs', 'swin');
  before(() => {
    place = workplace();
    place.write('swin.yaml', config);
  });
  after(() => place.remove());

  it('becomes a library in which every block has widths of its own', async () => {
    succeeded(await place.run(['--config', 'swin.yaml']));
    const { manifest } = await openLibrary(run());
    assert.deepEqual(
      manifest.blocks.map(({ descendants }) => descendants.map(({ width }) => width)),
      [[32, 16, 8], [32, 16, 8], [64, 32, 16], [64, 32, 16]], // prettier-ignore
    );
    const [first, , , last] = manifest.blocks.map(({ descendants }) => present(descendants[0]));
    assert.deepEqual([first?.macs, last?.macs], [64 * 2 * 16 * 32, 16 * 2 * 32 * 64]);
    const contexts = present(manifest.contexts).map(({ name, width, widths }) => [name, width, widths]);
    assert.deepEqual(contexts, [
      ['teacher', 64, [32, 32, 64, 64]],
      ['middle', 32, [16, 16, 32, 32]],
      ['sparsest', 16, [8, 8, 16, 16]],
    ]);
  });

  it('is verified, composed, profiled and reported', async () => {
    const said = async (...words: string[]) => {
      const { code, stdout, stderr } = await place.blockforge(...words);
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    assert.match(await said('verify', run()), /The library is whole/);
    const model = join(place.folder, 'model');
    await said('compose', run(), '--params', '80%', '--out', model);
    assert.match(await said('verify', model), /The model is whole/);
    assert.match(await said('report', run()), /report\.html/);
    if (!(await hasOnnxRuntime())) return;
    const times = await said('profile', run(), '--iterations', '2', '--batch', '1', '--name', 'here');
    assert.match(times, /block of 32 \(0-1\).*block of 64 \(2-3\)/s);
    const composed = await said('compose', run(), '--latency', '100%', '--profile', 'here', '--dry-run');
    assert.match(composed, /whole model, calibrated/);
  });

  it('runs in both engines of the runtime, and changes its widths there', async function () {
    if (!(await hasOnnxRuntime())) this.skip();
    const library = await openLibrary(run());
    const pixels = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i * 0.7));
    const narrow = library.manifest.blocks.map(({ descendants }) => present(descendants.at(-1)).id);
    const answers = [];
    for (const engine of ['onnxruntime', 'tfjs'] as const) {
      const runtime = await startRuntime(library, { engine });
      runtime.use(narrow);
      answers.push((await runtime.predict(pixels)).map(({ logits }) => [...logits]));
      await runtime.close();
    }
    const [one = [], other = []] = answers.map((all) => all.flat());
    assert.ok(one.every((value, i) => Math.abs(value - present(other[i])) < 1e-4));
  });
});
