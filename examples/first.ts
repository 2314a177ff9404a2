import { createClient } from '../client/index.ts';

const wiro = createClient({ url: process.env.API ?? '' }); // deployed: also pass `credentials`
const { status, outputs, costUsd } = await wiro.run({
  model: 'wiro/text-to-image',
  parameters: { prompt: 'A lighthouse at dawn' },
  idempotencyKey: 'order-17', // a repeat of this request runs and costs nothing more
});
console.log(status, outputs[0]?.url, costUsd);
