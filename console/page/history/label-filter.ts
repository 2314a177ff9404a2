/** The labels of the filters, as they are typed: `order=17, shop=eu`. */
export const labelsIn = (filters: URLSearchParams): string =>
  [...filters]
    .filter(([name]) => name.startsWith('label.'))
    .map(([name, value]) => `${name.slice('label.'.length)}=${value}`)
    .join(', ');

/** @returns `undefined` if one is no label. A comma without a `name=` after it belongs to the value before it. */
export function readLabels(text: string): readonly (readonly [string, string])[] | undefined {
  if (text.trim() === '') return [];
  const labels = text
    .split(/,(?=[^,=]+=)/)
    .map((label) => /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(label)?.slice(1) ?? []);
  return labels.some(([name]) => name === undefined || name === '')
    ? undefined
    : labels.map(([name = '', value = '']) => [name, value]);
}
