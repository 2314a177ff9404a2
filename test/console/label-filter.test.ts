import { expect, it } from 'vitest';
import { labelsIn, readLabels } from '../../console/page/history/label-filter.ts';

it.each([
  ['', []],
  [' order = 17 ', [['order', '17']]],
  [
    'order=17, shop=eu',
    [
      ['order', '17'],
      ['shop', 'eu'],
    ],
  ],
  [
    'note=a, b=c=d',
    [
      ['note', 'a'],
      ['b', 'c=d'],
    ],
  ],
  ['note=a, b', [['note', 'a, b']]],
  ['order=', [['order', '']]],
  ['order', undefined],
  ['=17', undefined],
  ['order=17, =x', undefined],
] as const)('reads the labels %j', (text, labels) => {
  expect(readLabels(text)).toEqual(labels);
});

it('writes them as they are read', () => {
  const filters = new URLSearchParams([
    ['status', 'failed'],
    ['label.order', '17'],
    ['label.shop', 'eu, us'],
  ]);

  expect(labelsIn(filters)).toBe('order=17, shop=eu, us');
  expect(readLabels(labelsIn(filters))).toEqual([
    ['order', '17'],
    ['shop', 'eu, us'],
  ]);
});
