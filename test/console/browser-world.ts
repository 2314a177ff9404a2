import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { buildPage } from '../../console/build-page.ts';
import type { Deployment } from '../../console/server/deployment.ts';
import { localDeployment } from '../../console/server/local-deployment.ts';
import { type Console, startConsole } from '../../console/server/server.ts';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { type System, startSystem } from '../support/system.ts';
import { type Context, type ContextOptions, type Opened, openBrowser, type Page } from './open-browser.ts';

export const PHOTOS = path.resolve(import.meta.dirname, '../../examples/photos');
export const STORY = '/#/run/wiro/story-maker-multi-character-consistency';
/** A browser beside the system, on two cores that others use. */
export const LIMIT = { timeout: 180_000 };

/** The system, the console over it and a browser, for a test file. */
export interface BrowserWorld {
  readonly system: System;
  readonly opened: Opened;
  /** The console's. */
  readonly origin: string;
  /** A picture that was made, the same one for all tests. */
  made(): Promise<GenerationRecord>;
  openPage(hash?: string, options?: ContextOptions): Promise<Page>;
  /** Another tab of the page that was opened last. */
  openTab(hash?: string): Promise<Page>;
  /** Opens the page of a console over another API, which is the local environment's in all else. */
  openPageOver(api: string, hash?: string): Promise<Page>;
}

/** After each test, every page must have asked nobody but its server, and reported no error. */
export function browserWorld(): BrowserWorld {
  let system: System;
  let served: Console;
  let opened: Opened;
  let html: string;
  let made: Promise<GenerationRecord> | undefined;
  const contexts: Context[] = [];
  const further: Console[] = [];
  let faults: string[] = [];
  let requests: string[] = [];
  const originOf = ({ link }: Console) => new URL(link).origin;
  const deployment = (change: object = {}): Deployment =>
    localDeployment({ ...system.environment.endpoints, credentials: LOCAL_CREDENTIALS, ...change });

  beforeAll(async () => {
    const [started, built, browser] = await Promise.all([startSystem(), buildPage(), openBrowser()]);
    system = started;
    html = built.html;
    opened = browser;
    served = await startConsole({ deployment: deployment(), html });
  }, 600_000);
  afterAll(async () => {
    await opened?.close();
    await served?.stop();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    const origins = [served, ...further].map(originOf);
    for (const console of further.splice(0)) await console.stop();
    // Nothing but its own server, and nothing that its policy had to stop.
    const own = ['blob:', ...origins.map((origin) => `${origin}/`)];
    expect(requests.filter((url) => !own.some((start) => url.startsWith(start)))).toEqual([]);
    expect(faults).toEqual([]);
    faults = [];
    requests = [];
  });

  async function open(context: Context, console: Console, hash: string): Promise<Page> {
    const page = await context.newPage();
    page.on('console', (message) => {
      const text = message.text();
      // The browser itself reports each answer that is an error.
      if (message.type() === 'error' && !text.startsWith('Failed to load resource')) faults.push(text);
    });
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('dialog', (dialog) => {
      faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => requests.push(request.url()));
    // What stands behind `#` outlives the redirect.
    await page.goto(`${console.link}${hash.replace(/^\//, '')}`);
    return page;
  }

  async function newContext(options: ContextOptions = {}): Promise<Context> {
    const context = await opened.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    contexts.push(context);
    return context;
  }

  return {
    get system() {
      return system;
    },
    get opened() {
      return opened;
    },
    get origin() {
      return originOf(served);
    },
    made: () => {
      made ??= system
        .submit({
          model: 'wiro/text-to-image',
          parameters: { prompt: 'x' },
          labels: { order: 'seventeen' },
        })
        .then(({ id }) => system.ended(id));
      return made;
    },
    openPage: async (hash = '', options) => open(await newContext(options), served, hash),
    openTab: (hash = '') => open(contexts.at(-1) as Context, served, hash),
    openPageOver: async (api, hash = '') => {
      const console = await startConsole({ deployment: deployment({ api }), html });
      further.push(console);
      return open(await newContext(), console, hash);
    },
  };
}

export const idIn = (page: Page) => page.url().split('/').at(-1) ?? '';
export const panel = (page: Page, status: string) => page.locator(`.panel[data-status=${status}]`);
export const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true }).click();

/** Waits until the form was accepted. @returns The generation's id. */
export async function submitted(page: Page): Promise<string> {
  await page.waitForURL(/#\/run\/wiro\/[a-z-]+\/[a-z0-9]{20,}$/);
  return idIn(page);
}
