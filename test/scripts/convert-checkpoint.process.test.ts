import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '../support/present.ts';
import { readTensors } from '../../pipeline/model/safetensors.ts';

const script = join(import.meta.dirname, '../../scripts/convert-checkpoint.py');
const python = process.env.BLOCKFORGE_PYTHON ?? 'python3';

/** As timm's train.py, DeiT and MAE, Lightning, plain loops and torch.save(model) write them; ema is 2, the model 1. */
const maker = `
import argparse, torch
ns = argparse.Namespace(model='vit_tiny_patch16_224', lr=1e-3)
sd = lambda v: {'head.weight': torch.full((2, 3), v), 'norm.weight': torch.full((3,), v)}
torch.save({'epoch': 3, 'arch': 'vit', 'state_dict': sd(1.), 'state_dict_ema': sd(2.), 'optimizer': {'state': {}}, 'args': ns}, 'timm.pth.tar')
torch.save({'model': sd(1.), 'args': ns, 'epoch': 3}, 'mae.pth')
torch.save({'model_state_dict': sd(1.), 'epoch': 3}, 'loop.pt')
torch.save({'state_dict': {'net.' + k: v for k, v in sd(1.).items()}, 'hyper_parameters': {'lr': 1.0}, 'pytorch-lightning_version': '2'}, 'lightning.ckpt')
torch.save(sd(1.), 'plain.bin')
torch.save({'a': sd(1.), 'b': sd(2.)}, 'several.pth')
torch.save(torch.nn.Linear(2, 2), 'whole.pth')
open('page.pth', 'w').write('<!doctype html>')
`;

describe('scripts/convert-checkpoint.py', function () {
  this.timeout(180_000);
  let folder: string;
  before(function () {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-convert-'));
    const made = spawnSync(python, ['-c', `import safetensors.torch\n${maker}`], { cwd: folder });
    if (made.status === 0) return;
    console.log(
      `      ${python} has no torch and safetensors: the script is not run (BLOCKFORGE_PYTHON names another)`,
    );
    this.skip();
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(python, [script, ...words], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, text: stdout + stderr };
  };
  const first = async (file: string) => {
    const { tensors } = await readTensors(join(folder, file));
    const [name, { data }] = Object.entries(tensors)[0]!;
    return [name, data[0]];
  };

  it('writes what each trainer keeps, and takes averaged weights unless told otherwise', async () => {
    const averaged = run('timm.pth.tar');
    assert.match(
      averaged.text,
      /two sets of weights, state_dict_ema and state_dict: taken are those of state_dict_ema/,
    );
    assert.deepEqual(await first('timm.safetensors'), ['head.weight', 2]);
    assert.match(run('timm.pth.tar', 'raw.safetensors', '--weights', 'model').text, /weights: state_dict, 2/);
    assert.deepEqual(await first('raw.safetensors'), ['head.weight', 1]);
    assert.match(run('mae.pth').text, /the model is "vit_tiny_patch16_224"/);
    for (const [file, key] of [
      ['loop.pt', 'model_state_dict'],
      ['lightning.ckpt', 'state_dict'],
      ['plain.bin', 'the file itself'],
    ] as const) {
      const { status, text } = run(file);
      assert.equal(status, 0, text);
      assert.ok(text.includes(`weights: ${key}`), text);
    }
    assert.deepEqual(await first('lightning.safetensors'), ['net.head.weight', 1]);
  });

  it('refuses in one sentence what it cannot open, with the line that helps', () => {
    const whole = run('whole.pth');
    assert.equal(whole.status, 1);
    assert.match(whole.text, /torch\.nn\.modules\.linear\.Linear, and reading those runs code/);
    // The line it gives works.
    const line = present(/^ {2}python3 (-c ".*" .*)$/m.exec(whole.text))[1]!;
    execFileSync('sh', ['-c', `${python} ${line}`], { cwd: folder });
    assert.equal(run('state_dict.pth').status, 0);
    assert.match(run('several.pth').text, /several sets of weights: a, b\. Which one\? --key a/);
    assert.equal(run('several.pth', '--key', 'b').status, 0);
    assert.match(run('several.pth', '--key', 'b').text, /already there; --force/);
    assert.match(run('page.pth').text, /a web page, not weights/);
    assert.match(run('absent.pth').text, /no such file/);
  });

  it('gives norms without bias zeros where it is asked to', async () => {
    assert.match(run('mae.pth', 'zeros.safetensors', '--zero-norm-bias').text, /1 norms had no bias: zeros/);
    const { tensors } = await readTensors(join(folder, 'zeros.safetensors'));
    assert.deepEqual(tensors['norm.bias']!.data, new Float32Array(3));
  });
});
