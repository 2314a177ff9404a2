import { expect, it } from 'vitest';
import { planCases } from './plan-cases.ts';

it('kills at every write before and after it stands, at a read once, and after the last call of a function', () => {
  const call = (operation: string) => ({ functionName: 'submit', operation, ordinal: 1 }) as const;
  const [read, write, run] = [
    call('DynamoDB.GetItem state'),
    call('DynamoDB.PutItem state:running'),
    call('Wiro.Run'),
  ];

  const cases = planCases('success', [read, write, run]);

  expect(cases.map(({ call: { operation }, place }) => `${operation} ${place}`).sort()).toEqual([
    'DynamoDB.GetItem state unanswered',
    'DynamoDB.PutItem state:running unanswered',
    'DynamoDB.PutItem state:running undelivered',
    'Wiro.Run answered',
    'Wiro.Run unanswered',
    'Wiro.Run undelivered',
  ]);
});

it('knows Wiro reads that must not be taken for writes, and writes that must not be taken for reads', () => {
  const places = (operation: string) =>
    planCases('success', [
      { functionName: 'callback', operation, ordinal: 1 },
      { functionName: 'callback', operation: 'S3.PutObject', ordinal: 1 },
    ])
      .filter(({ call }) => call.operation === operation)
      .map(({ place }) => place);

  expect(places('Wiro.Task/Detail')).toEqual(['unanswered']);
  expect(places('CDN.GET')).toEqual(['unanswered']);
  expect(places('SSM.GetParameters')).toEqual(['unanswered']);
  expect(places('S3.ListMultipartUploads')).toEqual(['unanswered']);
  expect(places('Wiro.Task/Cancel')).toEqual(['undelivered', 'unanswered']);
  expect(places('Wiro.File/Upload')).toEqual(['undelivered', 'unanswered']);
  expect(places('Lambda.Invoke collect')).toEqual(['undelivered', 'unanswered']);
});
