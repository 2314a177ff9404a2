import { AwsClient } from 'aws4fetch';
import { LOCAL_CREDENTIALS } from '../../../local/aws/credentials.ts';

/** `fetch` with a signature for one service, like the functions' requests. */
export function signedFetch(service: string, region = 'us-east-1'): AwsClient['fetch'] {
  const client = new AwsClient({ ...LOCAL_CREDENTIALS, service, region, retries: 0 });
  return client.fetch.bind(client);
}
