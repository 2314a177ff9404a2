import { expect, it } from 'vitest';
import { dropFolder } from '../../functions/intake/drop-folder.ts';

const given = {
  outputPrefix: 'outputs/',
  preset: 'portraits',
  name: 'anna.png',
  id: 'abcdefghijklmnopqrstuvwxyz',
  at: '2026-03-31T23:30:05.000Z',
  timeZone: 'Europe/Berlin',
} as const;

it.each([
  ['the next day there', {}, 'outputs/portraits/20260401T013005-anna.png-abcdef/'],
  ['UTC', { timeZone: 'UTC' }, 'outputs/portraits/20260331T233005-anna.png-abcdef/'],
  [
    'midnight as 00',
    { timeZone: 'UTC', at: '2026-01-01T00:00:00.000Z' },
    'outputs/portraits/20260101T000000-anna.png-abcdef/',
  ],
  [
    'decomposed umlauts as one character',
    { name: 'Gro\u0308\u00dfe.JPG' },
    'outputs/portraits/20260401T013005-Größe.jpg-abcdef/',
  ],
  [
    'folders, spaces and signs',
    { name: 'a/b c/..:*?"<>|.png' },
    'outputs/portraits/20260401T013005-a-b-c.png-abcdef/',
  ],
  ['a name of dots', { name: '..' }, 'outputs/portraits/20260401T013005-output-abcdef/'],
  [
    'a name that Windows reserves',
    { preset: 'con', name: 'nul' },
    'outputs/con-/20260401T013005-nul-abcdef/',
  ],
] as const)('names a folder: %s', (_, over, folder) => {
  expect(dropFolder({ ...given, ...over })).toBe(folder);
});

it('stays short whatever the names', () => {
  const folder = dropFolder({ ...given, preset: '写'.repeat(300), name: `${'ü'.repeat(900)}.png` });

  expect(Buffer.byteLength(folder)).toBeLessThan(300);
  expect(folder.split('/')).toHaveLength(4);
});
