const bundles = new Map<string, Promise<string>>();

/**
 * Code for browsers, bundled from its sources into one classic script; kept while the process lives. Type-checked by the
 * `tsconfig.json` beside it, which knows the DOM and not Node.js.
 *
 * @param entry e.g. `new URL('./browser/main.ts', import.meta.url)`
 * @throws where the code does not bundle: a bug
 */
export function bundleBrowser(entry: URL): Promise<string> {
  const known = bundles.get(entry.href);
  if (known !== undefined) return known;
  const made = bundle(entry);
  bundles.set(entry.href, made);
  return made;
}

async function bundle(entry: URL): Promise<string> {
  const [{ build }, { fileURLToPath }] = await Promise.all([import('esbuild'), import('node:url')]);
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
  });
  return outputFiles[0]!.text.trim();
}
