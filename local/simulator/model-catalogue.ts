import type { ModelItem, SimulatedModel } from './simulated-model.ts';

const SIZES: readonly ModelItem[] = [
  { id: 'width', type: 'number', label: 'Width', default: '1024', min: 256, max: 1536, step: 8 },
  { id: 'height', type: 'number', label: 'Height', default: '768', min: 256, max: 1536, step: 8 },
];
const SAMPLES: ModelItem = {
  id: 'samples',
  type: 'range',
  label: 'Samples',
  default: '1',
  min: 1,
  max: 4,
  step: 1,
};
const SEED: ModelItem = { id: 'seed', type: 'text', label: 'Seed', default: '' };
const PROMPT: ModelItem = {
  id: 'prompt',
  type: 'textarea',
  label: 'Prompt',
  required: true,
  placeholder: 'Two friends on a mountain at sunrise',
  note: 'Tell us about any details you want to generate',
};
const FIRST_IMAGE_NOTE =
  'The initial image to use as a starting point for the generation. This is only used if the prompt is not empty.';

/** The models of the simulated Wiro. The first one is a real model of Wiro's; the others are invented. */
export const CATALOGUE: readonly SimulatedModel[] = [
  {
    id: '598',
    owner: 'wiro',
    project: 'story-maker-multi-character-consistency',
    title: 'story-maker-multi-character-consistency',
    description:
      'Maintains character consistency by preserving the people in the two images it receives and applies the prompt to the image',
    categories: ['tool', 'image-to-image', 'quick-showcase', 'compare-landscape'],
    makes: 'scene',
    price: { perSecondUsd: 0.000585 },
    parameters: [
      {
        title: 'Base Model',
        items: [
          {
            id: 'selectedModel',
            type: 'select',
            label: 'Base model',
            default: '617',
            note: 'Select a base model that will be run.',
            options: [
              { value: '617', label: 'RealVisXL V4.0' },
              { value: '618', label: 'Juggernaut XL' },
            ],
          },
          {
            id: 'selectedModelPrivate',
            type: 'select',
            label: 'Private base model',
            default: '',
            note: 'Select a private base model that will be run.',
            options: [],
          },
        ],
      },
      {
        title: 'Inputs',
        items: [
          { id: 'inputImage', type: 'fileinput', label: 'First image', note: FIRST_IMAGE_NOTE },
          { id: 'inputImageUrl', type: 'text', label: 'First image URL', note: FIRST_IMAGE_NOTE },
          { id: 'inputImage2', type: 'fileinput', label: 'Second image', note: 'init-image-2-help' },
          { id: 'inputImage2Url', type: 'text', label: 'Second image URL', note: 'init-image-2-url-help' },
          PROMPT,
          {
            id: 'negativePrompt',
            type: 'textarea',
            label: 'Negative prompt',
            default: '',
            note: 'Specify things to not see in the output',
          },
        ],
      },
      {
        title: 'Advanced',
        items: [
          ...SIZES,
          SAMPLES,
          { id: 'ipScale', type: 'float', label: 'IP scale', default: '0.8', min: 0, max: 2, step: 0.05 },
          { id: 'loraScale', type: 'float', label: 'LoRA scale', default: '0.8', min: 0, max: 2, step: 0.05 },
          { id: 'steps', type: 'range', label: 'Steps', default: '25', min: 1, max: 100, step: 1 },
          { id: 'scale', type: 'float', label: 'Guidance', default: '5', min: 0, max: 30, step: 0.5 },
          SEED,
        ],
      },
    ],
  },
  {
    id: '701',
    owner: 'wiro',
    project: 'text-to-image',
    title: 'Text to Image',
    description: 'Paints a scene from a prompt',
    categories: ['tool', 'text-to-image'],
    makes: 'scene',
    price: { perRunUsd: 0.04 },
    parameters: [{ title: 'Inputs', items: [PROMPT, ...SIZES, SAMPLES, SEED] }],
  },
  {
    id: '702',
    owner: 'wiro',
    project: 'image-to-image',
    title: 'Image to Image',
    description: 'Places one image in the scene that a prompt describes',
    categories: ['tool', 'image-to-image'],
    makes: 'scene',
    price: { perRunUsd: 0.03 },
    parameters: [
      {
        title: 'Inputs',
        items: [
          // Some of Wiro's models have the string "true".
          { id: 'inputImage', type: 'fileinput', label: 'Image', required: 'true' },
          { ...PROMPT, required: false },
          ...SIZES,
          SAMPLES,
          SEED,
        ],
      },
    ],
  },
  {
    id: '703',
    owner: 'wiro',
    project: 'group-portrait',
    title: 'Group Portrait',
    description: 'Combines several images, sent as separate files',
    categories: ['tool', 'image-to-image'],
    makes: 'scene',
    price: { perRunUsd: 0.05 },
    parameters: [
      {
        title: 'Inputs',
        items: [
          { id: 'inputImages', type: 'multifileinput', label: 'Images', required: true },
          PROMPT,
          ...SIZES,
          SAMPLES,
          SEED,
        ],
      },
    ],
  },
  {
    id: '704',
    owner: 'wiro',
    project: 'collage',
    title: 'Collage',
    description: 'Combines several images, sent as files or URLs',
    categories: ['tool', 'image-to-image'],
    makes: 'scene',
    price: { perRunUsd: 0.05 },
    parameters: [
      {
        title: 'Inputs',
        items: [
          { id: 'inputImage', type: 'combinefileinput', label: 'Images', required: true },
          { ...PROMPT, required: false },
          ...SIZES,
          SAMPLES,
        ],
      },
    ],
  },
  {
    id: '705',
    owner: 'wiro',
    project: 'language-model',
    title: 'Language Model',
    description: 'Answers in words',
    categories: ['tool', 'llm'],
    makes: 'text',
    price: { perSecondUsd: 0.0004 },
    parameters: [
      {
        title: 'Inputs',
        items: [
          PROMPT,
          { id: 'temperature', type: 'float', label: 'Temperature', default: '0.7', min: 0, max: 2 },
        ],
      },
    ],
  },
  {
    id: '706',
    owner: 'wiro',
    project: 'simulated-video',
    title: 'Simulated Video',
    description: 'Creates outputs of the requested size',
    categories: ['tool', 'text-to-video'],
    makes: 'bytes',
    price: { perRunUsd: 0.25 },
    parameters: [
      {
        title: 'Inputs',
        items: [
          PROMPT,
          { id: 'bytes', type: 'number', label: 'Bytes', default: '', min: 1, max: 16 * 1024 ** 3, step: 1 },
          SAMPLES,
          SEED,
        ],
      },
    ],
  },
  {
    id: '707',
    owner: 'wiro',
    project: 'no-parameters',
    title: 'No Parameters',
    description: 'A model whose parameters Wiro does not list',
    categories: ['tool'],
    makes: 'scene',
    price: { perRunUsd: 0.01 },
    parameters: null,
  },
  {
    id: '708',
    owner: 'wiro',
    project: 'voice-conversation',
    title: 'Voice Conversation',
    description: 'Talks with a client on its socket',
    categories: ['tool', 'realtime-conversation'],
    makes: 'text',
    price: { perTurnUsd: 0.02 },
    parameters: [{ title: 'Inputs', items: [PROMPT] }],
  },
  {
    id: '709',
    owner: 'wiro',
    project: 'style-training',
    title: 'Style Training',
    description: 'Trains a model with images',
    categories: ['tool', 'training'],
    makes: 'text',
    price: { perRunUsd: 2 },
    parameters: [{ title: 'Inputs', items: [PROMPT] }],
  },
  {
    id: '710',
    owner: 'wiro',
    project: 'picture-batch',
    title: 'Picture Batch',
    description: 'Paints as many scenes as are asked for, and charges for each',
    categories: ['tool', 'text-to-image'],
    makes: 'scene',
    price: { rows: [{ inputs: {}, price: 0.02, priceMethod: 'cpo' }] },
    parameters: [{ title: 'Inputs', items: [PROMPT, ...SIZES, SAMPLES, SEED] }],
  },
  {
    id: '711',
    owner: 'wiro',
    project: 'large-picture',
    title: 'Large Picture',
    description: 'Paints in any size, and charges by the megapixel',
    categories: ['tool', 'image-to-image'],
    makes: 'scene',
    price: {
      rows: [{ inputs: {}, price: 0.04, priceMethod: 'cp-pixel', priceExtra: 0.01, priceInput: 0.005 }],
    },
    parameters: [
      {
        title: 'Inputs',
        items: [
          { id: 'inputImages', type: 'multifileinput', label: 'Images' },
          PROMPT,
          { id: 'width', type: 'number', label: 'Width', default: '1024', min: 256, max: 4096, step: 8 },
          { id: 'height', type: 'number', label: 'Height', default: '1024', min: 256, max: 4096, step: 8 },
        ],
      },
    ],
  },
  {
    id: '712',
    owner: 'wiro',
    project: 'read-aloud',
    title: 'Read Aloud',
    description: 'Speaks a text, and charges by the character',
    categories: ['tool', 'text-to-speech'],
    makes: 'bytes',
    price: { rows: [{ inputs: {}, price: 0.000015, priceMethod: 'cp-promptlength' }] },
    parameters: [
      {
        title: 'Inputs',
        items: [
          PROMPT,
          {
            id: 'voice',
            type: 'select',
            label: 'Voice',
            default: 'alto',
            options: [
              { value: 'alto', label: 'Alto' },
              { value: 'bass', label: 'Bass' },
            ],
          },
        ],
      },
    ],
  },
  {
    id: '713',
    owner: 'wiro',
    project: 'moving-picture',
    title: 'Moving Picture',
    description: 'Moves a picture, and charges by the second, by resolution',
    categories: ['tool', 'image-to-video'],
    makes: 'bytes',
    price: {
      rows: [
        { inputs: { resolution: '1080p' }, price: 0.1, priceMethod: 'cp-outputVideoLength' },
        { inputs: {}, price: 0.05, priceMethod: 'cp-outputVideoLength' },
      ],
    },
    parameters: [
      {
        title: 'Inputs',
        items: [
          { id: 'inputImage', type: 'fileinput', label: 'Image', required: true },
          { ...PROMPT, required: false },
          {
            id: 'resolution',
            type: 'select',
            label: 'Resolution',
            default: '720p',
            options: [
              { value: '720p', label: '720p' },
              { value: '1080p', label: '1080p' },
            ],
          },
          { id: 'duration', type: 'range', label: 'Seconds', default: '5', min: 5, max: 15, step: 5 },
        ],
      },
    ],
  },
  {
    id: '714',
    owner: 'wiro',
    project: 'photo-set',
    title: 'Photo Set',
    description: 'Makes one picture out of several, and charges by their number',
    categories: ['tool', 'image-to-image'],
    makes: 'scene',
    price: {
      rows: [
        { inputs: { inputImages: 'QUANTITY:1' }, price: 0.02, priceMethod: 'cpr' },
        { inputs: { inputImages: 'QUANTITY:3' }, price: 0.05, priceMethod: 'cpr' },
      ],
    },
    parameters: [
      {
        title: 'Inputs',
        items: [
          { id: 'inputImages', type: 'multifileinput', label: 'Images', required: true },
          { ...PROMPT, required: false },
        ],
      },
    ],
  },
];
