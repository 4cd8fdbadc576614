import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLibrary } from '../../pipeline/library/open.ts';

import { startRuntime } from '../../pipeline/runtime/index.ts';
import { withSafetensors, writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { random } from '../../pipeline/util/random.ts';
import { present } from '../support/present.ts';
import { finished, smallConfig, succeeded, workplace, type Workplace } from './blockforge.ts';

const quick = ['--set', 'distill.duration.steps=5', '--set', 'descendants.sparsities=[0.5]'];

describe('a teacher without a classifier', () => {
  let place: Workplace;
  const config = ['--config', 'small.yaml', ...quick];
  const run = (name: string) => join(place.folder, 'runs', name);

  const readIndex = () =>
    withSafetensors(join(run('features'), 'library', 'index.safetensors'), async (file) => ({
      shape: file.info('features').shape,
      features: await file.read('features'),
      labels: await file.readTyped('labels'),
    }));

  before(() => {
    place = workplace();
    place.write('small.yaml', smallConfig());
  });
  after(() => place.remove());

  it('becomes a library of features, measured by the vote of neighbours', async () => {
    const made = await place.run([...config, '--set', 'teacher.head=none', '--set', 'name=features']);
    succeeded(made);
    assert.ok(finished(made.events).includes('teacher/index'));
    const { manifest } = await openLibrary(join(run('features'), 'library'));
    const { architecture, measure, classNames } = manifest.teacher;
    assert.deepEqual(
      [architecture.answer, architecture.classes, measure?.kind, measure?.index.path],
      ['pooled', architecture.width, 'k-nn', 'index.safetensors'],
    );
    const { shape } = await readIndex();
    assert.deepEqual(shape, [200, architecture.width]);
    assert.notEqual(classNames?.length, architecture.classes);
    const { cosine, kl } = present(manifest.uniform[0]?.distilled);
    assert.ok(cosine !== undefined && Math.abs(1 - cosine.mean - kl) < 1e-9 && cosine.low < cosine.mean);
  });

  it('is called by its measure wherever its numbers stand', async () => {
    const shown = await place.blockforge('show', run('features'), '--wide');
    succeeded(shown);
    const texts = [
      shown.stdout,
      ...['library/README.md', 'library/ranking.csv', 'library/ranking.json', 'report/test/report.md'].map(
        (path) => readFileSync(join(run('features'), path), 'utf8'),
      ),
      readFileSync(join(run('features'), 'report.html'), 'utf8').replace(
        /<(script|style)[\s\S]*?<\/\1>/g,
        '',
      ),
    ];
    for (const text of texts) {
      assert.match(text, /k-NN top-1|knn_top1/i);
      assert.doesNotMatch(text, /\bKL\b|kl_increase|kl_nats|\bnats?\b/);
    }
  });

  it('is measured again from its library alone, to the digit', async () => {
    const verified = await place.blockforge('verify', run('features'), '--measure');
    succeeded(verified);
    assert.match(verified.stdout, /k-NN top-1 %/);
    assert.match(verified.stdout, /All \d+ numbers hold: (\d+) the same, 0 within/);
    const composed = await place.blockforge('compose', run('features'), '--params', '80%', '--refit');
    succeeded(composed);
    assert.match(composed.stdout, /1 - cos 0\.\d+, agreement/);
  });

  it('is chosen, compared and refused in points of its measure', async () => {
    const drop = ['--max-drop', '1pp', '--out'];
    const model = join(run('features'), 'library', 'models', 'small');
    const chosen = await place.blockforge('compose', run('features'), ...drop, model);
    succeeded(chosen);
    const again = await place.blockforge('verify', model, '--measure');
    succeeded(again);
    const fitting = ['--params', '80%', '--top', '2'];
    const texts = [
      chosen.stdout,
      again.stdout,
      readFileSync(join(model, 'README.md'), 'utf8'),
      (await place.blockforge('compose', run('features'), ...fitting, '--dry-run')).stdout,
      (await place.blockforge('compose', run('features'), '--params', '1%', ...drop, model)).stderr,
      (await place.blockforge('report', run('features'), run('features'), '--json')).stdout,
      (await place.blockforge('report', run('features'), '--json')).stdout,
    ];
    for (const text of texts) {
      assert.match(text, /k-NN top-1/i);
      assert.doesNotMatch(text, /(?<!k-NN )top-[15]\b/i);
    }
    const { measure } = JSON.parse(readFileSync(join(model, 'composition.json'), 'utf8')) as {
      measure: string;
    };
    assert.equal(measure, 'k-nn');
    assert.deepEqual(
      readFileSync(join(model, 'index.safetensors')),
      readFileSync(join(run('features'), 'library', 'index.safetensors')),
    );
    const nothing = await place.blockforge('compose', run('features'), ...drop, model, '--json');
    assert.equal((JSON.parse(nothing.stdout) as { measure: string }).measure, 'k-nn');
  });

  it('gives features at run time', async () => {
    const library = await openLibrary(join(run('features'), 'library'));
    const { classes, imageSize, channels } = library.manifest.teacher.architecture;
    const runtime = await startRuntime(library, { engine: 'tfjs' });
    try {
      const size = channels * (imageSize as number) ** 2;
      const stream = random(1, 'pixels');
      const pixels = Float32Array.from({ length: 2 * size }, () => stream.normal());
      const features = await runtime.features(pixels);
      assert.deepEqual(
        features.map(({ length }) => length),
        [classes, classes],
      );
      await assert.rejects(runtime.predict(pixels), /answers with features.*runtime\.features/s);
    } finally {
      await runtime.close();
    }
  });

  /** The mean feature of each class stands for what a text encoder would say. */
  async function writeTexts(file: string, rowOf = (label: number) => label) {
    const { manifest } = await openLibrary(join(run('features'), 'library'));
    const width = manifest.teacher.architecture.classes;
    const names = present(manifest.teacher.classNames).length;
    const { features, labels } = await readIndex();
    const data = new Float32Array(names * width);
    for (const [row, label] of labels.entries())
      for (let i = 0; i < width; i++) data[rowOf(label) * width + i]! += features[row * width + i]!;
    await writeSafetensors(join(place.folder, file), { text_embeddings: { shape: [names, width], data } });
    return names;
  }

  it('is measured by text embeddings where there are some', async () => {
    const names = await writeTexts('text.safetensors');
    const zeroShot = ['--set', 'teacher.head=none', '--set', 'teacher.textEmbeddings=text.safetensors'];
    const made = await place.run([...config, ...zeroShot, '--set', 'name=zero-shot']);
    succeeded(made);
    const zero = await openLibrary(join(run('zero-shot'), 'library'));
    assert.equal(zero.manifest.teacher.measure?.kind, 'zero-shot');
    assert.ok(zero.manifest.teacher.accuracy.top1Percent.mean > 40);
    const shown = await place.blockforge('show', run('zero-shot'), '--wide');
    assert.match(shown.stdout, /zero-shot top-1/);
    assert.doesNotMatch(shown.stdout, /\bKL\b/);
    await writeSafetensors(join(place.folder, 'text.safetensors'), {
      text_embeddings: { shape: [names, 3], data: new Float32Array(names * 3) },
    });
    const refused = await place.blockforge(...config, ...zeroShot, '--set', 'name=other', '--plan');
    assert.match(refused.stderr, /teacher\.textEmbeddings.*as wide as the features/s);
  });

  it('warns of rows whose classes another order fits clearly better, and of classes that nobody votes for', async () => {
    await writeTexts('swapped.safetensors', (label) => (label < 2 ? 1 - label : label));
    const swapped = ['--set', 'teacher.textEmbeddings=swapped.safetensors', '--set', 'name=swapped'];
    const few = ['--set', 'data.splits.calibration=2', '--set', 'name=few'];
    for (const [more, warning] of [
      [
        swapped,
        /zero-shot top-1 is .* in another order: row 1 \(from 0\) seems to be of .*, row 0 \(from 0\)/,
      ],
      [few, /2 calibration images vote, of [12] of the data's \d+ classes/],
    ] as const) {
      const all = [...config, '--set', 'teacher.head=none', ...more];
      await place.blockforge(...all, '--only', 'data');
      const made = await place.blockforge(...all, '--only', 'teacher');
      assert.match(made.stdout + made.stderr, warning);
    }
  });

  it('is refused by methods that divide classes, while planning', async () => {
    for (const method of ['ed-vit', 'devit']) {
      place.write(
        'fleet.yaml',
        smallConfig()
          .replace(/^(statistics|descendants|distill|measure):.*$/gm, '')
          .concat(`method: ${method}\ndevices: 2\n`),
      );
      const refused = await place.blockforge(
        '--config',
        'fleet.yaml',
        '--set',
        'teacher.head=none',
        '--plan',
      );
      assert.equal(refused.code === 0, false);
      assert.match(refused.stderr, new RegExp(`without a classifier, for the method ${method}`));
    }
  });
});

describe('a head fitted to the data', () => {
  let place: Workplace;
  before(() => {
    place = workplace();
    place.write('small.yaml', smallConfig());
  });
  after(() => place.remove());

  it('makes a classifier of a backbone and a library of it in one command', async () => {
    const made = await place.run([
      ...['--config', 'small.yaml', ...quick, '--set', 'teacher.head={ train: true }'],
    ]);
    succeeded(made);
    const told = JSON.parse(
      readFileSync(join(place.folder, 'runs/small/teacher/model/head.json'), 'utf8'),
    ) as { images: number; heldOut: { images: number; top1: number }; ridge: number; temperature: number };
    assert.deepEqual([told.images, told.heldOut.images], [200, 40]);
    assert.ok(told.ridge > 0 && told.temperature > 0 && told.heldOut.top1 > 40);
    const { manifest } = await openLibrary(join(place.folder, 'runs/small/library'));
    const { architecture, measure, classNames, accuracy, fittedHead } = manifest.teacher;
    assert.deepEqual([architecture.answer, measure], [undefined, undefined]);
    assert.equal(architecture.classes, classNames?.length);
    assert.ok(accuracy.top1Percent.mean > 40, `${accuracy.top1Percent.mean}`);
    const { heldOut, ...fit } = present(fittedHead);
    assert.deepEqual(fit, { images: 200, ridge: told.ridge, temperature: told.temperature });
    assert.deepEqual([heldOut.images, heldOut.top1Percent.mean], [40, told.heldOut.top1]);
    const read = (path: string) => readFileSync(join(place.folder, 'runs/small', path), 'utf8');
    const shown = await place.blockforge('show', 'runs/small', '--wide');
    for (const text of [made.stdout, shown.stdout, read('library/README.md'), read('report.html')])
      assert.match(
        text,
        /fitted to the labels of 200 calibration images; .* top-1 [\d.]+ % \[[\d.]+, [\d.]+\]/,
      );
  });
});
