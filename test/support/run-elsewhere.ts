import { createHmac, randomInt } from 'node:crypto';
import type { System } from './system.ts';

/** Sends a Run without our functions, like a stranger with the same Wiro project, or a Run that a search has missed. */
export async function runElsewhere(
  { apiUrl, apiKey, apiSecret }: Pick<System['simulator'], 'apiUrl' | 'apiKey' | 'apiSecret'>,
  parameters: Readonly<Record<string, unknown>>,
  model = 'wiro/text-to-image',
): Promise<string> {
  const nonce = String(randomInt(1e9));
  const signature = createHmac('sha256', apiKey).update(`${apiSecret}${nonce}`).digest('hex');
  const response = await fetch(`${apiUrl}/Run/${model}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': apiKey,
      'x-nonce': nonce,
      'x-signature': signature,
    },
    body: JSON.stringify(parameters),
  });
  return String(((await response.json()) as { readonly taskid: string }).taskid);
}
