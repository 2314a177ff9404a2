/** `http.ts` loads this one file: all of undici costs as much of a cold start as an AWS client. */
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';

  export default Client;
}
