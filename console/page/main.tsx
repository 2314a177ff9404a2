import { render } from 'preact';
import { App } from './app.tsx';

// A file that misses its field would replace the page, and the form with it.
for (const event of ['dragover', 'drop'] as const)
  addEventListener(event, (dragged) => dragged.preventDefault());

const root = document.getElementById('app');
if (root) render(<App />, root);
