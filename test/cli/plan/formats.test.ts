import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type * as Batch from 'kubernetes-models/batch/v1';
import { parseAllDocuments } from 'yaml';
import { writeKubernetes } from '../../../pipeline/cli/plan/formats/kubernetes.ts';
import { writeMake } from '../../../pipeline/cli/plan/formats/make.ts';
import { quote } from '../../../pipeline/cli/plan/formats/shell.ts';
import { writeSlurm } from '../../../pipeline/cli/plan/formats/slurm.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { job } from '../../runner/rig.ts';
import { present } from '../../support/present.ts';
import { fakeScriptPlan } from './fake-script-plan.ts';

const { Job } = createRequire(import.meta.url)('kubernetes-models/batch/v1') as typeof Batch;

const blocks = ['0', '1', '2'];
const jobs = [
  job('data/all'),
  ...blocks.map((block) => job(`refit/${block}`, { needs: ['data/all'] })),
  ...blocks.map((block) => job(`distill/${block}`, { needs: [`refit/${block}`] })),
  job('measure/all', { needs: ['data/all'], wants: blocks.map((block) => `distill/${block}`) }),
  job('profile/latency', { exclusive: true }),
  job('rank/all', { needs: ['measure/all', 'profile/latency'] }),
];

describe('cli/plan/formats', () => {
  it('quotes what a shell would take apart', () => {
    assert.equal(quote('/runs/vit-b16'), '/runs/vit-b16');
    assert.equal(quote("it's $HOME"), `'it'\\''s $HOME'`);
    assert.equal(quote(''), "''");
  });

  describe('slurm', () => {
    const submissions = (text: string) => text.split('\n').filter((line) => /^g\d/.test(line));

    it('submits an array for each group behind those that it reads from', () => {
      const [file] = writeSlurm(fakeScriptPlan(jobs));
      assert.equal(present(file).name, 'submit.sh');
      assert.deepEqual(
        submissions(present(file).text).map((line) =>
          line.replace(/ --(mem|time|cpus-per-task)=[^ )]+/g, '').trim(),
        ),
        [
          'g0=$(submit data.0 0 1)',
          'g1=$(submit refit.0 0 3 --dependency="afterok:$g0")',
          'g2=$(submit distill.0 0 3 --dependency="aftercorr:$g1")',
          'g3=$(submit measure.0 0 1 --dependency="afterok:$g0,afterany:$g2")',
          'g4=$(submit profile.0 0 1 --exclusive)',
          'g5=$(submit rank.0 0 1 --dependency="afterok:$g3,afterok:$g4")',
        ],
      );
    });

    it('cuts arrays that are longer than the cluster takes, at the same places for what corresponds', () => {
      const [file] = writeSlurm(fakeScriptPlan(jobs, { options: { arrayLimit: 2, atOnce: 5 } }));
      const lines = submissions(present(file).text).map((line) =>
        line.replace(/ --(mem|time|cpus-per-task)=[^ )]+/g, ''),
      );
      assert.ok(lines.includes('g1_1=$(submit refit.0 2 1 --dependency="afterok:$g0")'), lines.join('\n'));
      assert.ok(lines.includes('g2_1=$(submit distill.0 2 1 --dependency="aftercorr:$g1_1")'));
      assert.ok(lines.some((line) => line.includes('afterany:$g2_0:$g2_1')));
      assert.match(present(file).text, /--array="0-\$\(\(\$3 - 1\)\)%5"/);
    });

    it('asks for GPUs, and for what the user adds', () => {
      const plan = fakeScriptPlan(jobs, { options: { options: ['--partition=gpu', '--comment=a b'] } });
      const groups = plan.groups.map((group) => ({ ...group, gpus: 2 }));
      const [file] = writeSlurm({ ...plan, groups });
      assert.match(present(file).text, /^options=\(--partition=gpu '--comment=a b'\)$/m);
      assert.ok(submissions(present(file).text).every((line) => line.includes('--gres=gpu:2')));
    });
  });

  describe('kubernetes', () => {
    const documents = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as object);

    it('writes valid Indexed Jobs that tell what another pod mends from what it does not', () => {
      const plan = fakeScriptPlan(jobs, {
        options: {
          volumes: [
            { claim: 'shared', folder: 'runs', path: '/shared', readOnly: false },
            { claim: 'shared', folder: 'data', path: '/data', readOnly: true },
            { claim: 'other', path: '/other', readOnly: false },
          ],
          env: [{ name: 'BLOCKFORGE_DATA', value: '/data' }],
          atOnce: 2,
        },
      });
      const groups = plan.groups.map((group) => ({ ...group, gpus: 1 }));
      const [yaml, script] = writeKubernetes({ ...plan, groups });
      const all = documents(present(yaml).text).map((document) => new Job(document));
      for (const one of all) one.validate();
      assert.deepEqual(
        all.map(({ metadata, spec }) => [metadata?.name, spec?.completions, spec?.parallelism]),
        [
          ['fake-data-0', 1, 1],
          ['fake-refit-0', 3, 2],
          ['fake-distill-0', 3, 2],
          ['fake-measure-0', 1, 1],
          ['fake-profile-0', 1, 1],
          ['fake-rank-0', 1, 1],
        ],
      );
      const { spec } = all[1]!;
      assert.equal(spec?.completionMode, 'Indexed');
      assert.equal(spec.template.spec?.restartPolicy, 'Never', 'podFailurePolicy takes no other');
      const [container] = spec.template.spec.containers;
      assert.equal(container?.resources?.limits?.['nvidia.com/gpu'], 1);
      assert.deepEqual(container.args?.slice(0, 5), [
        'run-job',
        '--group',
        'refit.0',
        '--index',
        '$(JOB_COMPLETION_INDEX)',
      ]);
      assert.deepEqual(
        container.volumeMounts?.map(({ name, mountPath }) => [name, mountPath]),
        [
          ['volume-0', '/shared'],
          ['volume-0', '/data'],
          ['volume-1', '/other'],
        ],
      );
      assert.equal(
        spec.podFailurePolicy?.rules[0]?.action,
        'Ignore',
        'a drained node comes before exit codes',
      );
      const alone = all.filter((one) => one.spec?.template.spec?.affinity !== undefined);
      assert.deepEqual(
        alone.map(({ metadata }) => metadata?.name),
        ['fake-profile-0'],
      );
      assert.match(
        present(script).text,
        /^wave fake-data-0 fake-profile-0\nwave fake-refit-0\nwave fake-distill-0\nwave fake-measure-0\nwave fake-rank-0$/m,
      );
    });

    it('makes names that a cluster takes and that stay apart', () => {
      const long = `Vit_B16.${'x'.repeat(60)}`;
      for (const run of [long, '_', 'UPPER', 'a.b']) {
        const plan = fakeScriptPlan(jobs, { run, options: { arrayLimit: 1 } });
        const names = documents(writeKubernetes(plan)[0]!.text).map((document) => {
          const one = new Job(document);
          one.validate();
          return one.metadata?.name ?? '';
        });
        for (const name of names) assert.match(name, /^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/);
        assert.equal(new Set(names).size, names.length);
      }
    });

    it('leaves alone what Kubernetes would take for a variable, and refuses what no pod would see', () => {
      const source = ['--config', '/shared/fake.yaml', '--set', 'teacher.checkpoint=$(HOME)'];
      const [yaml] = writeKubernetes(fakeScriptPlan(jobs, { source }));
      assert.ok(present(yaml).text.includes('teacher.checkpoint=$$(HOME)'));
      assert.throws(
        () => writeKubernetes(fakeScriptPlan(jobs, { runFolder: '/home/me/runs/fake' })),
        (error) => error instanceof BlockForgeError && error.failure.subject === '/home/me/runs/fake',
      );
    });
  });

  describe('make', () => {
    it('writes a target for each job behind what it reads', () => {
      const [file] = writeMake(fakeScriptPlan(jobs));
      assert.equal(present(file).name, 'Makefile');
      assert.match(present(file).text, /^distill\/1: folders refit\/1$/m);
      assert.match(present(file).text, /^measure\/all: folders data\/all distill\/0 distill\/1 distill\/2$/m);
    });

    it('lets a job that must be alone wait for what does not wait for it', () => {
      const more = [...jobs, job('profile/b', { exclusive: true, needs: ['profile/latency'] })];
      const [file] = writeMake(fakeScriptPlan(more));
      const before = 'data/all refit/0 refit/1 refit/2 distill/0 distill/1 distill/2 measure/all';
      assert.ok(present(file).text.includes(`\nprofile/latency: folders ${before}\n`), present(file).text);
      assert.ok(present(file).text.includes(`\nprofile/b: folders profile/latency ${before}\n`));
    });
  });
});
