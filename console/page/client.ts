import { createClient } from '../../client/index.ts';
import type { Endpoint } from '../samples/index.ts';

/** The deployment's API, through this page's own server, which signs. */
export const client = createClient({ url: `${location.origin}/api` });

/** What the server says about the deployment. */
export interface About {
  readonly name: string;
  readonly isSimulated: boolean;
  /** What samples talk to. */
  readonly endpoint: Endpoint;
}

let about: Promise<About> | undefined;

export function readAbout(): Promise<About> {
  about ??= fetch('/about').then(async (answer) => {
    if (!answer.ok) throw new Error(`The console's server answered: ${(await answer.text()).trim()}`);
    return (await answer.json()) as About;
  });
  // What failed once is asked for again.
  about.catch(() => {
    about = undefined;
  });
  return about;
}
