import { expect, it } from 'vitest';
import { answerOf, describeGeneration, describePrice, describeRows } from '../../cli/describe.ts';
import type { Generation, GenerationRow } from '../../client/index.ts';

const NOW = new Date('2026-11-29T00:01:00.000Z');
const BASE = {
  id: 'g1',
  model: 'wiro/x',
  attempt: 1,
  parameters: {},
  inputs: {},
  outputs: [],
  createdAt: '2026-11-29T00:00:00.000Z',
  updatedAt: '2026-11-29T00:00:00.000Z',
} satisfies Partial<Generation>;

it('a record says why it waits and until when', () => {
  const text = describeGeneration(
    {
      ...BASE,
      status: 'queued',
      priceUsd: 0.04,
      priceCertainty: 'exact',
      waitingFor: {
        what: 'slot',
        message: 'It has waited in line.',
        since: BASE.createdAt,
        tries: 0,
        nextTryAt: '2026-11-29T00:06:00.000Z',
        ahead: 3,
      },
    } as Generation,
    NOW,
  );

  expect(text).toBe(
    [
      'Generation  g1',
      'Status      queued',
      'Waits       It has waited in line. (in 5 min)',
      'Model       wiro/x',
      'Accepted    2026-11-29T00:00:00.000Z',
      'Cost        expected: $0.04',
    ].join('\n'),
  );
});

it('a record that failed says why; what it quotes cannot steer the terminal', () => {
  const text = describeGeneration(
    {
      ...BASE,
      status: 'failed',
      attempt: 2,
      parameters: { prompt: '\u001b[2Jred\u202e' },
      error: { code: 'model_failed', message: 'It said \u001b]0;x\u0007no.', retryable: true },
      pastAttempts: [{ attempt: 1, endedAt: BASE.createdAt, code: 'model_failed', message: 'no' }],
    } as Generation,
    NOW,
  );

  expect(text).toContain('Generation  g1 (attempt 2)');
  expect(text).toContain('Error       model_failed: It said no.');
  expect(text).toContain('Earlier     attempt 1, 2026-11-29T00:00:00.000Z: model_failed: no');
  expect(text).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
});

it('rows show the first output or the error', () => {
  const row = { ...BASE, origin: 'api', outputs: 0 } as const;
  const rows = [
    {
      ...row,
      status: 'succeeded',
      costUsd: 0.04,
      outputs: 2,
      output: {
        index: 0,
        name: '0.png',
        contentType: 'image/png',
        sizeBytes: 1_380_000,
        url: '',
        urlExpiresAt: '',
      },
    },
    { ...row, id: 'g22', status: 'failed', error: { code: 'model_failed', message: 'no' } },
  ] as readonly GenerationRow[];

  expect(describeRows(rows, NOW, undefined)).toBe(
    [
      'ID   STATUS     AGE   COST   MODEL',
      'g1   succeeded  60 s  $0.04  wiro/x  0.png (1.38 MB) and 1 more',
      'g22  failed     60 s         wiro/x  model_failed: no',
    ].join('\n'),
  );
});

it.each([
  [{ certainty: 'exact', usd: 0.06 }, '$0.06'],
  [{ certainty: 'estimate', usd: 0.0023, note: 'the average run' }, 'about $0.0023 (the average run)'],
  [{ certainty: 'unknown', note: 'by tokens' }, 'unknown: by tokens'],
] as const)('a price of %j is %s', (price, text) => expect(describePrice(price)).toBe(text));

it('a language model’s answer is its text', () => {
  expect(answerOf({ content: { answer: ['one', 'two'] } })).toBe('one\ntwo');
  expect(answerOf({ content: 'x' })).toBeUndefined();
  expect(answerOf({})).toBeUndefined();
});
