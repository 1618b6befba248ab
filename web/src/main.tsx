import '@fontsource-variable/instrument-sans/wght.css';
import '@fontsource-variable/source-serif-4/opsz.css';
import '@fontsource-variable/source-serif-4/opsz-italic.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/sidebar.css';
import './styles/conversation.css';
import './styles/prose.css';
import './styles/editor.css';
import './styles/dialogs.css';
import { render } from 'preact';
import { startEvents } from './api/events';
import { startLibrary } from './lib/library';
import { startRouter } from './lib/router';
import { startTheme } from './lib/theme';
import { preloadMarkdown } from './markdown/Markdown';
import { App } from './ui/App';
import { startShortcuts } from './ui/shortcuts';

startTheme();
startRouter();
startShortcuts();
startEvents();
startLibrary();
render(<App />, document.getElementById('app')!);
preloadMarkdown();

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  addEventListener('load', () => {
    navigator.serviceWorker
      .register('./sw.js')
      .catch((error: unknown) => console.warn('No offline shell:', error));
  });
}
