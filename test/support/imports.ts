import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/**
 * How one file names another one: loaded with it (`static`), erased by the compiler (`type`), loaded when it is needed
 * (`late`), or by its path, for another process (`path`: `new URL('./x.ts', import.meta.url)`).
 */
export type ImportKind = 'static' | 'type' | 'late' | 'path';

export interface Import {
  readonly kind: ImportKind;
  /** As it is written: a package, or a relative path. */
  readonly name: string;
  /** Absolute; undefined for a package. */
  readonly file: string | undefined;
}

export interface SourceFile {
  readonly lines: number;
  readonly imports: readonly Import[];
}

/** Every .ts and .js file below a folder, absolute and sorted. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/.test(name) && !/(^|\/)node_modules\//.test(name))
    .map((name) => join(folder, name))
    .sort();
}

/** Reads a file's imports from its syntax, so that no comment or string passes for one. */
export function readSource(file: string): SourceFile {
  const text = readFileSync(file, 'utf8');
  // Most files import at their head alone, and only that much has to be understood.
  const isDeep = /\bimport\s*[(/.]|\bnew\s+URL\b/.test(text);
  const last = [...text.matchAll(/\b(?:from|import)\s*(['"])[^'"]*\1/g)].at(-1);
  const head = last === undefined ? '' : text.slice(0, last.index + last[0].length);
  const source = ts.createSourceFile(file, isDeep ? text : head, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  });
  const imports: Import[] = [];
  const add = (kind: ImportKind, name: ts.Node | undefined): void => {
    if (name === undefined || !ts.isStringLiteralLike(name)) return;
    const relative = name.text.startsWith('.');
    imports.push({ kind, name: name.text, file: relative ? resolve(dirname(file), name.text) : undefined });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(
        node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'static',
        node.moduleSpecifier,
      );
    } else if (ts.isExportDeclaration(node)) {
      add(node.isTypeOnly ? 'type' : 'static', node.moduleSpecifier);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add('type', node.argument.literal);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add('late', node.arguments[0]);
    } else if (
      ts.isNewExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === 'URL'
    ) {
      const [path, base] = node.arguments ?? [];
      if (base !== undefined && /import\.meta\.url/.test(text.slice(base.pos, base.end))) add('path', path);
    }
    if (isDeep) ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return {
    lines: text.split('\n').length - 1,
    imports: imports.filter(({ kind, file: target }) => kind !== 'path' || isSource(target)),
  };
}

function isSource(file: string | undefined): boolean {
  return file !== undefined && /\.[jt]s$/.test(file) && existsSync(file);
}

/** Walks what is loaded at once. @returns the way from a start to the first forbidden module, or undefined */
export function wayTo(forbidden: RegExp, start: readonly string[]): readonly string[] | undefined {
  const ways = new Map(start.map((file) => [file, [file]]));
  for (const [file, way] of ways) {
    for (const { kind, name, file: next } of readSource(file).imports) {
      if (kind !== 'static') continue;
      if (forbidden.test(name)) return [...way, name];
      if (next !== undefined && !ways.has(next)) ways.set(next, [...way, next]);
    }
  }
  return undefined;
}

/** Sets of files that import each other in a circle, each sorted. Tarjan's strongly connected components. */
export function findCircles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    const mine = order.size;
    order.set(file, mine);
    low.set(file, mine);
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      if (!order.has(next)) low.set(file, Math.min(low.get(file) ?? mine, visit(next)));
      else if (stack.includes(next)) low.set(file, Math.min(low.get(file) ?? mine, order.get(next) ?? mine));
    }
    const lowest = low.get(file) ?? mine;
    if (lowest === mine) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest;
  };
  for (const file of edges.keys()) if (!order.has(file)) visit(file);
  return circles;
}
