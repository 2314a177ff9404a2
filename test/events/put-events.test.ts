import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createPutEvents } from '../../functions/events/put-events.ts';
import { type BusEvent, startEvents } from '../../local/aws/events.ts';
import type { LocalService } from '../../local/aws/local-service.ts';

const accepted: BusEvent[] = [];
let bus: LocalService;
beforeAll(async () => {
  bus = await startEvents({
    region: 'eu-central-1',
    buses: ['bus'],
    onEvent: (event) => void accepted.push(event),
  });
  vi.stubEnv('AWS_ENDPOINT_URL_EVENTBRIDGE', bus.endpoint);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await bus.stop();
});

const event = (n: number, sizeBytes = 10) => ({
  detailType: 'Generation Failed',
  detail: { n, text: 'x'.repeat(sizeBytes) },
});

it('sends large events in separate requests: together they would be refused', async () => {
  accepted.length = 0;
  const given = [event(0, 200_000), event(1, 200_000), event(2), event(3, 240_000)];

  await createPutEvents('bus')(given);

  expect(accepted.map(({ detail }) => detail.n)).toEqual([0, 1, 2, 3]);
});

it('sends many events ten at a time', async () => {
  accepted.length = 0;

  await createPutEvents('bus')(Array.from({ length: 25 }, (_, n) => event(n)));

  expect(accepted).toHaveLength(25);
});

it('says which events the bus rejected, and why', async () => {
  const put = createPutEvents('no-bus')([event(0), event(1)]);

  await expect(put).rejects.toMatchObject({
    message: 'Cannot put an event on the event bus: it was rejected (ResourceNotFoundException)',
    accepted: [false, false],
  });
});

it('says which events the bus accepted before it failed', async () => {
  const given = [
    event(0, 240_000),
    { detailType: 'Generation Failed', detail: { text: 'x'.repeat(300_000) } },
  ];

  await expect(createPutEvents('bus')(given)).rejects.toMatchObject({ accepted: [true, false] });
});
