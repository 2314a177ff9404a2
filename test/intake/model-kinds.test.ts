import { describe, expect, it } from 'vitest';
import { examineReading } from '../../functions/intake/examine-request.ts';
import { readRequest } from '../../functions/request/request.ts';
import { catalogue } from './catalogue.ts';

// One model of each kind: what is right costs what its price list says, and what is wrong is refused as a whole.

const RULES = { inputBucket: 'photos', furtherBuckets: [] };
const DEPS = {
  inputs: { head: async (ref: { bucket: string; key: string }) => ({ ...ref, etag: '"e"', sizeBytes: 3 }) },
  knownModel: catalogue,
};
const examine = (request: object) => examineReading(DEPS, readRequest(request, RULES));

const prompt = 'A hill';
const THREE = ['a.png', 'b.png', 'c.png'];

describe('a right request has its price:', () => {
  it.each<[string, object, object]>([
    ['an image', { model: 'wiro/text-to-image', parameters: { prompt } }, { certainty: 'exact', usd: 0.04 }],
    [
      'an image of a file',
      { model: 'wiro/image-to-image', inputs: { inputImage: 'a.png' } },
      { certainty: 'exact', usd: 0.03 },
    ],
    [
      'several images',
      { model: 'wiro/picture-batch', parameters: { prompt, samples: 3 } },
      { certainty: 'exact', usd: 0.06, method: 'cpo' },
    ],
    [
      'an image by size, of two files',
      {
        model: 'wiro/large-picture',
        parameters: { prompt, width: 2048, height: '2048' },
        inputs: { inputImages: ['a.png', 'https://a.b/c.png'] },
      },
      { certainty: 'exact', usd: 0.11, method: 'cp-pixel' },
    ],
    [
      'several files',
      { model: 'wiro/group-portrait', parameters: { prompt }, inputs: { inputImages: THREE } },
      { certainty: 'exact', usd: 0.05 },
    ],
    [
      'files that are counted',
      { model: 'wiro/photo-set', inputs: { inputImages: THREE } },
      { certainty: 'exact', usd: 0.05 },
    ],
    [
      'files that are counted, as URLs',
      { model: 'wiro/photo-set', parameters: { inputImagesUrl: 'https://a.b/c.png' } },
      { certainty: 'exact', usd: 0.02 },
    ],
    [
      'as many files as have no price',
      { model: 'wiro/photo-set', inputs: { inputImages: ['a.png', 'b.png'] } },
      { certainty: 'unknown', note: 'no price of this model is for these parameters' },
    ],
    [
      'files and URLs combined',
      { model: 'wiro/collage', inputs: { inputImage: ['a.png', 'https://a.b/c.png'] } },
      { certainty: 'exact', usd: 0.05 },
    ],
    [
      'a video',
      { model: 'wiro/moving-picture', parameters: { duration: 10 }, inputs: { inputImage: 'a.png' } },
      { certainty: 'exact', usd: 0.5, method: 'cp-outputVideoLength' },
    ],
    [
      'a video in another resolution, as long as it is by default',
      { model: 'wiro/moving-picture', parameters: { resolution: '1080p' }, inputs: { inputImage: 'a.png' } },
      { certainty: 'exact', usd: 0.5 },
    ],
    [
      'audio',
      { model: 'wiro/read-aloud', parameters: { prompt, voice: 'bass' } },
      { certainty: 'exact', usd: 0.00009, method: 'cp-promptlength' },
    ],
    [
      'language',
      { model: 'wiro/language-model', parameters: { prompt, session_id: 's', temperature: '0' } },
      { certainty: 'estimate', usd: 0.0016, method: 'cps' },
    ],
    [
      'one whose parameters are not listed',
      { model: 'wiro/no-parameters', parameters: { anything: 1 }, inputs: { it: 'a.png' } },
      { certainty: 'exact', usd: 0.01 },
    ],
  ])('%s', async (_, request, price) => {
    const examined = await examine(request);

    expect(examined).toMatchObject({ problems: [], warnings: [] });
    expect(examined.price).toMatchObject(price);
  });
});

describe('a wrong request is refused with all its problems:', () => {
  const wrong = 'invalid_parameter';

  it.each<[string, object, readonly (readonly [code: string, field: string])[]]>([
    [
      'an image',
      { model: 'wiro/text-to-image', parameters: { width: 100, height: 'x', samples: 9 }, labels: { a: 1 } },
      [
        [wrong, 'labels.a'],
        [wrong, 'parameters.prompt'],
        [wrong, 'parameters.width'],
        [wrong, 'parameters.height'],
        [wrong, 'parameters.samples'],
      ],
    ],
    [
      'a size between two steps',
      { model: 'wiro/text-to-image', parameters: { prompt, width: 1001 } },
      [[wrong, 'parameters.width']],
    ],
    [
      'two files for a parameter of one',
      { model: 'wiro/image-to-image', inputs: { inputImage: ['a.png', 'b.png'] } },
      [[wrong, 'inputs.inputImage']],
    ],
    [
      'a file given as text',
      { model: 'wiro/image-to-image', parameters: { inputImage: 'a.png' } },
      [[wrong, 'parameters.inputImage']],
    ],
    [
      'several files',
      { model: 'wiro/group-portrait', parameters: { prompt: '' }, inputs: { images: THREE } },
      [
        [wrong, 'inputs.images'],
        [wrong, 'inputs.inputImages'],
        [wrong, 'parameters.prompt'],
      ],
    ],
    [
      'combined files',
      { model: 'wiro/collage', parameters: { prompt: ['x'] } },
      [
        [wrong, 'inputs.inputImage'],
        [wrong, 'parameters.prompt'],
      ],
    ],
    [
      'a video',
      {
        model: 'wiro/moving-picture',
        parameters: { resolution: '4k', duration: 7 },
        inputs: { inputImage: 'clip.mkv' },
        maxCostUsd: -1,
      },
      [
        [wrong, 'maxCostUsd'],
        [wrong, 'parameters.resolution'],
        [wrong, 'parameters.duration'],
        ['input_unsupported', 'inputs.inputImage'],
      ],
    ],
    [
      'audio',
      { model: 'wiro/read-aloud', parameters: { voice: 'tenor' }, inputs: { prompt: 'a.txt' } },
      [
        [wrong, 'inputs.prompt'],
        [wrong, 'parameters.voice'],
      ],
    ],
    [
      'language',
      { model: 'wiro/language-model', parameters: { prompt: { a: 1 }, temperature: 3 } },
      [
        [wrong, 'parameters.prompt'],
        [wrong, 'parameters.temperature'],
      ],
    ],
    [
      'what costs more than it may',
      { model: 'wiro/picture-batch', parameters: { prompt, samples: 3 }, maxCostUsd: 0.05 },
      [['price_too_high', 'maxCostUsd']],
    ],
  ])('%s', async (_, request, problems) => {
    const examined = await examine(request);

    expect(examined.problems.map(({ code, field }) => [code, field])).toEqual(problems);
    expect(examined.problems.every(({ message }) => message.length > 10)).toBe(true);
  });

  it('says nothing of what is missing in a part that could not be read', async () => {
    const { problems } = await examine({ model: 'wiro/group-portrait', parameters: [], inputs: 'a.png' });

    expect(problems.map(({ field }) => field)).toEqual(['parameters', 'inputs']);
  });
});
