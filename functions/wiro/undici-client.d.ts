/** `http.ts` loads only this file. Loading all of undici would add as much to a cold start as an AWS client. */
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';

  export default Client;
}
