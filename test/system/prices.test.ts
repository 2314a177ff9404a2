import { expect, it, vi } from 'vitest';
import { picture } from '../support/pictures.ts';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem();
for (const name of ['a.png', 'b.png', 'c.png']) await system.put(name, picture(), 'image/png');

const prompt = 'A hill in the evening';

it.each<[string, number, object, Readonly<Record<string, string | readonly string[]>>]>([
  ['wiro/text-to-image', 0.04, { prompt }, {}],
  ['wiro/picture-batch', 0.06, { prompt, samples: 3 }, {}],
  ['wiro/large-picture', 0.06, { prompt, width: 2048, height: 1024 }, { inputImages: ['a.png'] }],
  ['wiro/read-aloud', 0.000315, { prompt, voice: 'bass' }, {}],
  ['wiro/moving-picture', 1, { resolution: '1080p', duration: 10 }, { inputImage: 'a.png' }],
  ['wiro/photo-set', 0.05, {}, { inputImages: ['a.png', 'b.png', 'c.png'] }],
])('%s costs what was said before: %d USD', async (model, usd, parameters, inputs) => {
  const request = { model, parameters: { ...parameters }, inputs };

  const { body: before } = await system.post({ ...request, dryRun: true });
  const accepted = await system.submit(request);
  const ended = await system.ended(accepted.id);

  expect(before).toMatchObject({ valid: true, price: { certainty: 'exact', usd } });
  expect(accepted).toMatchObject({ priceUsd: usd, priceCertainty: 'exact' });
  expect(ended).toMatchObject({ status: 'succeeded', priceUsd: usd, costUsd: usd });
});
