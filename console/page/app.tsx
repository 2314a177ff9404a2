import { useEffect, useErrorBoundary } from 'preact/hooks';
import { readAbout } from './client.ts';
import { GenerationView } from './generation/generation-view.tsx';
import { HistoryView } from './history/history-view.tsx';
import { Zoom } from './result/zoom.tsx';
import { type Route, route } from './router.ts';
import { ModelSearch } from './run/model-search.tsx';
import { RunView } from './run/run-view.tsx';
import { useLoad } from './ui/use-load.ts';
import { UsageView } from './usage/usage-view.tsx';

export function App() {
  const about = useLoad(readAbout, 'about');
  const current = route.value;
  const [error, reset] = useErrorBoundary();
  const title = titleOf(current);
  // Another view may be sound.
  useEffect(reset, [current]);
  useEffect(() => {
    document.title = `${title} – Wiro console`;
  }, [title]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <span class="brand">Wiro console</span>
        <nav aria-label="Views">
          {VIEWS.map(({ title, href, views }) => (
            <a key={href} href={href} aria-current={views.includes(current.view) ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        {about.state === 'loaded' && (
          <span class="deployment">
            {about.value.name}
            {about.value.isSimulated ? ': simulated, nothing is charged' : ''}
          </span>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {error === undefined ? (
          viewOf(current)
        ) : (
          <p class="notice bad" role="alert">
            This view cannot be shown: {String(error)}.{' '}
            <button type="button" onClick={reset}>
              Try again
            </button>
          </p>
        )}
      </main>
      <Zoom />
    </>
  );
}

const VIEWS: readonly {
  readonly title: string;
  readonly href: string;
  readonly views: readonly Route['view'][];
}[] = [
  { title: 'Run', href: '#/run', views: ['models', 'run'] },
  { title: 'History', href: '#/history/models', views: ['history', 'generation'] },
  { title: 'Usage', href: '#/usage', views: ['usage'] },
];

function titleOf(current: Route): string {
  switch (current.view) {
    case 'models':
      return 'Models';
    case 'run':
      return current.model;
    case 'history':
      return `History: ${current.tab}`;
    case 'generation':
      return current.id;
    case 'usage':
      return 'Usage';
  }
}

function viewOf(current: Route) {
  switch (current.view) {
    case 'models':
      return <ModelSearch />;
    case 'run':
      return <RunView key={current.model} model={current.model} id={current.id} />;
    case 'history':
      return <HistoryView tab={current.tab} filters={current.filters} />;
    case 'generation':
      return <GenerationView key={current.id} id={current.id} />;
    case 'usage':
      return <UsageView filters={current.filters} />;
  }
}
