import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './files.ts';

const require = createRequire(import.meta.url);

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
}

type Model = new (object: unknown) => { validate(): void };

/** Against the JSON schema of its kind: what is missing, of another type, or no value of a list. @returns undefined where nothing is */
export function schemaProblem(object: KubernetesObject): string | undefined {
  const models = require(moduleOf(object)) as Readonly<Record<string, Model | undefined>>;
  const Kind = models[object.kind];
  if (Kind === undefined) return `${object.apiVersion} has no ${object.kind}`;
  try {
    new Kind(object).validate();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Keys that their kinds do not have, which the schemas allow and a cluster ignores: found by the compiler, from the types beside the schemas.
 * @returns a sentence for each
 */
export function unknownKeys(objects: readonly KubernetesObject[]): readonly string[] {
  const file = join(root, 'test', 'examples', 'objects-as-code.ts');
  const text = objects
    .map((object, index) => {
      const type = `import(${JSON.stringify(moduleOf(object))}).I${object.kind}`;
      return `export const object${index}: ${type} = ${JSON.stringify(object)};`;
    })
    .join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
    lib: ['lib.es2023.d.ts'],
  };
  const host = ts.createCompilerHost(options);
  const onDisk = host.getSourceFile.bind(host);
  host.getSourceFile = (name, target, ...rest) =>
    name === file ? ts.createSourceFile(name, text, target) : onDisk(name, target, ...rest);
  const program = ts.createProgram([file], options, host);
  return program
    .getSemanticDiagnostics(program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

/** "v1" is a module of its own, as "batch/v1" is. */
const moduleOf = ({ apiVersion }: KubernetesObject): string => `kubernetes-models/${apiVersion}`;
