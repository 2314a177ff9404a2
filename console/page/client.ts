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
  about ??= fetch('/about').then((answer) => answer.json() as Promise<About>);
  return about;
}
