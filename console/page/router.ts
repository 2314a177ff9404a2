import { computed, signal } from '@preact/signals';

/** Where the page is, from the address behind `#`. */
export type Route =
  | { readonly view: 'models' }
  /** With an id, the form is filled from that generation, which is shown beside it. */
  | { readonly view: 'run'; readonly model: string; readonly id?: string }
  | { readonly view: 'history'; readonly tab: HistoryTab; readonly filters: URLSearchParams }
  | { readonly view: 'generation'; readonly id: string }
  | { readonly view: 'usage'; readonly filters: URLSearchParams };

export type HistoryTab = 'runnings' | 'models' | 'trains';

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed(() => readRoute(hash.value));

export function go(to: string): void {
  location.hash = to;
  hash.value = location.hash;
}

/** Changes the address without a new entry in the browser's history. */
export function replace(to: string): void {
  history.replaceState(null, '', `#${to}`);
  hash.value = location.hash;
}

export function readRoute(text: string): Route {
  const [path = '', query = ''] = text.replace(/^#/, '').split('?');
  const [view, ...rest] = path.split('/').filter(Boolean).map(decode);
  const [first, second, third] = rest;
  const filters = new URLSearchParams(query);
  switch (view) {
    case 'run':
      if (first === undefined || second === undefined) return { view: 'models' };
      return { view: 'run', model: `${first}/${second}`, ...(third !== undefined && { id: third }) };
    case 'history':
      return { view: 'history', tab: first === 'runnings' || first === 'trains' ? first : 'models', filters };
    case 'generation':
      return first === undefined ? { view: 'models' } : { view: 'generation', id: first };
    case 'usage':
      return { view: 'usage', filters };
    default:
      return { view: 'models' };
  }
}

export const runPath = (model: string, id?: string) =>
  `/run/${model.split('/').map(encodeURIComponent).join('/')}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;
export const generationPath = (id: string) => `/generation/${encodeURIComponent(id)}`;

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
