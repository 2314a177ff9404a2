import { describe, expect, it } from 'vitest';
import type { FurtherModelKind } from '../../functions/settings.ts';
import { doorWorld } from './door-world.ts';

const REQUEST = { model: 'wiro/flux', parameters: { prompt: 'Hello' } };
const refusing = (modelKind: FurtherModelKind) =>
  doorWorld({ knownModel: async () => ({ kind: 'unsupportedModel', modelKind }) });

const REALTIME = {
  code: 'model_not_supported',
  message:
    'model "wiro/flux" is a realtime model: its task waits for a client on its socket, which a generation does not have, holds a slot until the deadline, and may be charged by the turn. Nothing was run or charged. Use another model, or allow this kind in the deployment\'s setting furtherModelKinds ("realtime").',
  field: 'model',
  retryable: false,
};

describe('a model that this deployment does not run is refused', () => {
  it('by the API, with a sentence', async () => {
    const world = refusing('realtime');

    const { retryable: _, ...problem } = REALTIME;
    expect(await world.post(REQUEST)).toEqual({
      statusCode: 400,
      body: { error: { ...REALTIME, problems: [problem] } },
    });
    expect([world.accepted(), world.submitted]).toEqual([[], []]);
  });

  it('by the API, if it is a training model', async () => {
    const { body } = await refusing('training').post(REQUEST);

    expect(body).toMatchObject({
      error: {
        code: 'model_not_supported',
        message: expect.stringMatching(
          /is a training model: .* balance of at least \$10\. .*\("training"\)\.$/,
        ),
      },
    });
  });

  it('by an event', async () => {
    const world = refusing('realtime');

    await world.ask('event-1', REQUEST);

    expect(world.told).toMatchObject([{ detailType: 'Generation Rejected', detail: { error: REALTIME } }]);
    expect(world.accepted()).toEqual([]);
  });

  it('in a request file, each request by its index', async () => {
    const world = refusing('realtime');

    await world.deliver(world.put('requests/two.json', JSON.stringify([REQUEST, REQUEST])));

    expect([...world.written.values()]).toMatchObject([
      {
        errors: [
          {
            code: 'model_not_supported',
            field: '[0].model',
            message: expect.stringMatching(/^\[0\]\.model "wiro/),
          },
          { code: 'model_not_supported', field: '[1].model' },
        ],
      },
    ]);
    expect(world.accepted()).toEqual([]);
  });

  it('for a dropped file, in the folder of its outputs', async () => {
    const world = refusing('realtime');

    await world.deliver(world.put('uploads/portraits/a.png', 'the photo'));

    expect([...world.written.values()]).toMatchObject([{ status: 'rejected', error: REALTIME }]);
    expect(world.accepted()).toEqual([]);
  });
});
