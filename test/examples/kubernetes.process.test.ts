import assert from 'node:assert/strict';
import { exampleFiles, readYaml } from './files.ts';
import { schemaProblem, unknownKeys, type KubernetesObject } from './kubernetes-objects.ts';

const files = exampleFiles.filter((path) => /^kubernetes\/.*\.yaml$/.test(path));
const objects = files.flatMap((path) => readYaml(path) as KubernetesObject[]);

describe('the Kubernetes examples', () => {
  it('are what the schemas of their kinds say', () => {
    for (const object of objects) assert.equal(schemaProblem(object), undefined, object.kind);
    assert.deepEqual(
      [...new Set(objects.map(({ kind }) => kind))].sort().join(' '),
      'ConfigMap CronJob Deployment Job NetworkPolicy PersistentVolumeClaim Service StatefulSet',
    );
  });

  it('have no key that Kubernetes does not know', function () {
    this.timeout(120_000); // A compiler reads some 200 files of types.
    const mistaken = structuredClone(objects.find(({ kind }) => kind === 'CronJob')) as never as CronJob;
    mistaken.spec.jobTemplate.spec.template.spec.containers[0]!.resource = { limits: { memory: '1Gi' } };
    assert.deepEqual(unknownKeys([...objects, mistaken]), [
      `Object literal may only specify known properties, and '"resource"' does not exist in type 'IContainer'.`,
    ]);
  });

  it('would not pass with a mistake that the schemas tell', () => {
    const mistaken = structuredClone(objects.find(({ kind }) => kind === 'CronJob')) as never as CronJob;
    mistaken.spec.jobTemplate.spec.backoffLimit = 'three';
    assert.match(schemaProblem(mistaken) ?? '', /backoffLimit/);
  });

  it('name volumes and labels that are there', () => {
    const claims = new Set(named('PersistentVolumeClaim'));
    const configs = new Set(named('ConfigMap'));
    for (const [kind, { metadata, spec }] of podTemplates()) {
      const volumes = new Set([...(spec.volumes ?? []).map(({ name }) => name), ...claimTemplates(kind)]);
      for (const { volumeMounts = [], name } of spec.containers)
        for (const mount of volumeMounts)
          assert.ok(volumes.has(mount.name), `${kind} ${name}: ${mount.name}`);
      for (const { persistentVolumeClaim, configMap } of spec.volumes ?? []) {
        if (persistentVolumeClaim) assert.ok(claims.has(persistentVolumeClaim.claimName), kind);
        if (configMap) assert.ok(configs.has(configMap.name), kind);
      }
      assert.ok(metadata?.labels?.app, kind);
      assert.equal(spec.securityContext?.runAsNonRoot, true, kind);
    }
  });
});

interface PodTemplate {
  readonly metadata?: { readonly labels?: { readonly app?: string } };
  readonly spec: {
    readonly securityContext?: { readonly runAsNonRoot?: boolean };
    readonly containers: {
      readonly name: string;
      resource?: unknown;
      readonly volumeMounts?: readonly { readonly name: string }[];
    }[];
    readonly volumes?: readonly {
      readonly name: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
      readonly configMap?: { readonly name: string };
    }[];
  };
}

interface CronJob extends KubernetesObject {
  readonly spec: {
    readonly jobTemplate: { readonly spec: { template: PodTemplate; backoffLimit: unknown } };
  };
}

interface Workload extends KubernetesObject {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly template?: PodTemplate;
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

const named = (kind: string): string[] =>
  (objects as Workload[]).filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);

function podTemplates(): (readonly [kind: string, PodTemplate])[] {
  return objects.flatMap((object) => {
    const template =
      object.kind === 'CronJob'
        ? (object as CronJob).spec.jobTemplate.spec.template
        : (object as Workload).spec?.template;
    return template === undefined ? [] : [[object.kind, template] as const];
  });
}

const claimTemplates = (kind: string): string[] =>
  (objects as Workload[])
    .filter((object) => object.kind === kind)
    .flatMap(({ spec }) => (spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name));
