import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** What the tests use of Playwright, which is not installed with the project. */
export interface Browser {
  newContext(options?: ContextOptions): Promise<Context>;
  close(): Promise<void>;
}

export interface ContextOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
  readonly deviceScaleFactor?: number;
}

export interface Context {
  newPage(): Promise<Page>;
  setOffline(isOffline: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface Page {
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  setViewportSize(size: { readonly width: number; readonly height: number }): Promise<void>;
  emulateMedia(options: { readonly colorScheme: 'light' | 'dark' }): Promise<void>;
  url(): string;
  locator(selector: string): Locator;
  getByRole(role: string, options?: { readonly name?: string | RegExp; readonly exact?: boolean }): Locator;
  getByText(text: string | RegExp, options?: { readonly exact?: boolean }): Locator;
  getByLabel(text: string | RegExp, options?: { readonly exact?: boolean }): Locator;
  /** @param code - Evaluated by the debugger, which the page's policy does not concern. */
  evaluate(code: string): Promise<unknown>;
  addInitScript(script: string): Promise<void>;
  screenshot(options: { readonly path: string; readonly fullPage?: boolean }): Promise<Buffer>;
  waitForURL(url: RegExp): Promise<void>;
  on(event: 'console', hear: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', hear: (error: Error) => void): void;
  on(event: 'request', hear: (request: { url(): string }) => void): void;
  on(event: 'dialog', hear: (dialog: { message(): string; dismiss(): Promise<void> }) => void): void;
  readonly keyboard: { press(key: string): Promise<void> };
  readonly mouse: { wheel(x: number, y: number): Promise<void> };
}

export interface Locator {
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  selectOption(value: string): Promise<unknown>;
  setInputFiles(
    files: string | { readonly name: string; readonly mimeType: string; readonly buffer: Buffer },
  ): Promise<void>;
  waitFor(options?: { readonly state?: 'visible' | 'hidden' | 'attached' | 'detached' }): Promise<void>;
  textContent(): Promise<string | null>;
  innerText(): Promise<string>;
  inputValue(): Promise<string>;
  getAttribute(name: string): Promise<string | null>;
  count(): Promise<number>;
  all(): Promise<readonly Locator[]>;
  allInnerTexts(): Promise<readonly string[]>;
  first(): Locator;
  last(): Locator;
  nth(index: number): Locator;
  locator(selector: string): Locator;
  dispatchEvent(type: string, init?: object): Promise<void>;
}

interface Playwright {
  readonly chromium: { launch(options: object): Promise<Browser> };
}

interface PackedChromium {
  readonly default: { executablePath(): Promise<string> };
  readonly inflate: (file: string) => Promise<string>;
}

const PINNED = path.join(import.meta.dirname, 'browser');
const KEPT = path.resolve(import.meta.dirname, '../../.build/browser');
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Opened {
  readonly browser: Browser;
  /** The source of axe-core. */
  readonly axe: string;
  close(): Promise<void>;
}

/** Opens a Chromium. The first time, it is fetched at the versions and checksums of `browser/package-lock.json`. */
export async function openBrowser(): Promise<Opened> {
  const tools = await fetchTools();
  const { chromium } = (await load(tools, 'playwright-core/index.mjs')) as Playwright;
  const unpacked = path.join(tools, 'unpacked');
  const own = await mkdtemp(path.join(tmpdir(), 'console-browser-'));
  // Those of the machine, and its own where there are none: without a font, no text has a size.
  const fonts = path.join(own, 'fonts.conf');
  const folders = ['/usr/share/fonts', path.join(unpacked, 'fonts')].map((folder) => `<dir>${folder}</dir>`);
  await writeFile(
    fonts,
    `<?xml version="1.0"?><fontconfig>${folders.join('')}<cachedir>${own}/font-cache</cachedir></fontconfig>`,
  );
  const browser = await chromium.launch({
    executablePath: path.join(unpacked, 'chromium'),
    args: ARGS,
    timeout: 120_000,
    env: {
      ...process.env,
      TMPDIR: own,
      HOME: own,
      FONTCONFIG_FILE: fonts,
      LD_LIBRARY_PATH: [path.join(unpacked, 'al2023/lib'), process.env.LD_LIBRARY_PATH ?? ''].join(':'),
    },
  });
  return {
    browser,
    axe: await readFile(path.join(tools, 'node_modules/axe-core/axe.min.js'), 'utf8'),
    close: async () => {
      await browser.close();
      await rm(own, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Installs and unpacks the tools into a folder named after their lock file. Several processes may do so at once. */
async function fetchTools(): Promise<string> {
  const lock = await readFile(path.join(PINNED, 'package-lock.json'));
  const folder = path.join(KEPT, createHash('sha256').update(lock).digest('hex').slice(0, 16));
  if (await exists(folder)) return folder;
  const unfinished = path.join(KEPT, `unfinished-${randomUUID()}`);
  await mkdir(unfinished, { recursive: true });
  await cp(PINNED, unfinished, { recursive: true });
  await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: unfinished,
  });
  // Its package looks for this variable when it is loaded, and unpacks there.
  const before = process.env.TMPDIR;
  process.env.TMPDIR = path.join(unfinished, 'unpacked');
  await mkdir(process.env.TMPDIR);
  try {
    const { default: chromium, inflate } = (await load(
      unfinished,
      '@sparticuz/chromium/build/index.js',
    )) as PackedChromium;
    await chromium.executablePath();
    await inflate(path.join(unfinished, 'node_modules/@sparticuz/chromium/bin/al2023.tar.br'));
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
  await rename(unfinished, folder).catch(async (error) => {
    // Another process was faster.
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(folder))) throw error;
  });
  return folder;
}

const exists = (file: string) =>
  stat(file)
    .then(() => true)
    .catch(() => false);

const load = async (tools: string, file: string): Promise<unknown> =>
  import(/* @vite-ignore */ pathToFileURL(path.join(tools, 'node_modules', file)).href);
