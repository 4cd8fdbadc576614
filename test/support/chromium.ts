import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const usualPlaces = ['/usr/bin', '/usr/local/bin', '/snap/bin', '/usr/lib/chromium', '/opt/google/chrome'];

/** Nothing of its own talks to anybody, draws with a GPU, or asks questions at its first start. */
const flags = [
  ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  // Beside what pages are refused: no name is looked up but this machine's.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

/** The distribution's browser: named by `BLOCKFORGE_CHROMIUM`, on the PATH or where it usually lies. */
export function chromiumPath(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { BLOCKFORGE_CHROMIUM: own, PATH = '' } = environment;
  const folders = [...PATH.split(delimiter), ...usualPlaces].filter((folder) => folder !== '');
  const places = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return (own ? [own] : places).find(isProgram);
}

/** Why there can be no browser for tests here; undefined where there can. */
export function whyNoChromium(): string | undefined {
  return chromiumPath() === undefined
    ? 'chromium is not installed here (apt-get install chromium)'
    : undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** How a page is looked at. */
export interface Look {
  readonly scheme?: 'light' | 'dark' | undefined;
  /** In CSS pixels; default: 1280 x 900. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly media?: 'screen' | 'print' | undefined;
  readonly javaScript?: boolean | undefined;
  /** What it may ask for beside itself, e.g. the files of a server of this test. Default: nothing. */
  readonly allow?: ((url: string) => boolean) | undefined;
}

/** What its screen is called in pictures: light, dark, a phone, paper. */
export const looks = {
  light: { scheme: 'light' },
  dark: { scheme: 'dark' },
  phone: { scheme: 'light', width: 390, height: 844 },
  'phone-dark': { scheme: 'dark', width: 390, height: 844 },
  print: { scheme: 'light', width: 800, height: 1100, media: 'print' },
} as const satisfies Readonly<Record<string, Look>>;

export interface OpenedPage {
  readonly page: Page;
  /** By the browser's clock, from the start of its way here to the first picture after everything is loaded. NaN without JavaScript. */
  readonly loadMs: number;
  /** What its process has computed in all up to then: unlike `loadMs` no longer where others are at work. */
  readonly processorMs: number;
  /** Errors and warnings of its console, and what its code threw; grows while it is open. */
  readonly complaints: readonly string[];
  /** Addresses that it asked for and was refused; grows. */
  readonly refused: readonly string[];
  /** What axe-core finds wrong, a line each: the rule, where, why. @param leaveOut ids of rules */
  axe(leaveOut?: readonly string[]): Promise<readonly string[]>;
  /** Keeps a picture of the whole page as `NAME.png` in the folder BLOCKFORGE_SCREENSHOTS, where it is set. */
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface TestChromium {
  /** @param place the path of a file, or an address */
  open(place: string, look?: Look): Promise<OpenedPage>;
  close(): Promise<void>;
}

/** A browser of a test's own, with a profile of its own. One for a test file: it takes a second to start. */
export async function startChromium(): Promise<TestChromium> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error(whyNoChromium());
  const browser = await chromium.launch({ executablePath, args: flags, chromiumSandbox: false });
  return { open: (place, look = {}) => open(browser, place, look), close: () => browser.close() };
}

/** A suite that needs a browser; where there is none, it says so and is skipped. */
export function describeInChromium(title: string, suite: (chromium: () => TestChromium) => void): void {
  describe(title, function () {
    this.timeout(60_000);
    let running: TestChromium | undefined;
    before(async function () {
      const why = whyNoChromium();
      if (why !== undefined) {
        console.log(`    skipped: ${why}`);
        this.skip();
      }
      running = await startChromium();
    });
    after(() => running?.close());
    suite(() => {
      if (running === undefined) throw new Error('the browser is not started yet');
      return running;
    });
  });
}

const untilDrawn =
  'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))';

async function open(browser: Browser, place: string, look: Look): Promise<OpenedPage> {
  const address = /^(https?|file):\/\//.test(place) ? place : pathToFileURL(place).href;
  const { scheme = 'light', width = 1280, height = 900, media = 'screen' } = look;
  const { javaScript = true, allow = () => false } = look;
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    serviceWorkers: 'block',
    javaScriptEnabled: javaScript,
    reducedMotion: 'reduce',
  });
  const complaints: string[] = [];
  const refused: string[] = [];
  await context.route('**', (route) => {
    const url = route.request().url();
    if (withoutPlace(url) === withoutPlace(address) || /^(data|blob):/.test(url) || allow(url))
      return route.continue();
    refused.push(url);
    return route.abort();
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack ?? error.message}`));
  await page.emulateMedia({ media });
  await page.goto(address, { waitUntil: 'load' });
  const loadMs = javaScript ? await page.evaluate<number>(untilDrawn) : NaN;
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  const processorMs = 1000 * (metrics.find(({ name }) => name === 'ProcessTime')?.value ?? NaN);
  return {
    ...{ page, loadMs, processorMs, complaints, refused },
    axe: (leaveOut = []) => findings(page, leaveOut),
    async screenshot(name) {
      const folder = process.env.BLOCKFORGE_SCREENSHOTS;
      if (!folder) return;
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    },
    close: () => context.close(),
  };
}

function withoutPlace(url: string): string {
  return url.replace(/#.*$/, '');
}

let axeSource: string | undefined;

async function findings(page: Page, leaveOut: readonly string[]): Promise<readonly string[]> {
  axeSource ??= readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // Not as an element of the page: what it may run is its own affair.
  await page.evaluate(`${axeSource}; undefined`);
  const rules = Object.fromEntries(leaveOut.map((rule) => [rule, { enabled: false }]));
  const found = await page.evaluate<AxeFinding[]>(
    `axe.run(document, { resultTypes: ['violations'], rules: ${JSON.stringify(rules)} }).then(({ violations }) => violations)`,
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary = '' }) =>
        `${id}: ${target.join(' ')}: ${failureSummary.replace(/\s+/g, ' ')}`,
    ),
  );
}

interface AxeFinding {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
}

/** The browser's version, for what is printed beside measured times. */
export function chromiumVersion(): string {
  const path = chromiumPath();
  return path === undefined
    ? 'none'
    : execFileSync(path, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).trim();
}
