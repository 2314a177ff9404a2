import { createClient } from '../../client/index.ts';

/** The deployment's API, through this page's own server, which signs. */
export const client = createClient({ url: `${location.origin}/api` });

/** What the server says about the deployment. */
export interface About {
  readonly name: string;
  readonly apiUrl: string;
  readonly region: string;
  readonly inputBucket: string;
  readonly isSimulated: boolean;
}

let about: Promise<About> | undefined;

export function readAbout(): Promise<About> {
  about ??= fetch('/about').then((answer) => answer.json() as Promise<About>);
  return about;
}
