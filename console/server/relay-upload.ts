import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upload } from '../../client/index.ts';
import { send } from './outgoing.ts';
import { sayNo } from './relay-file.ts';

/** Relays a file from the page to the link that the API gave for it. S3 refuses another length or type. */
export async function relayUpload(
  request: IncomingMessage,
  response: ServerResponse,
  { url, headers }: Pick<Upload, 'url' | 'headers'>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const length = request.headers['content-length'];
  if (length === undefined) return sayNo(response, 411, 'The length of the file is missing.');
  const answer = await send(url, {
    method: 'PUT',
    headers: { ...headers, 'content-length': length },
    body: request,
    signal: gone.signal,
  });
  answer.resume();
  response.writeHead(answer.statusCode ?? 502).end();
}
