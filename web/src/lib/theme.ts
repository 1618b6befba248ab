import { effect, signal } from '@preact/signals';
import { storage } from './storage';

export type Theme = 'system' | 'light' | 'dark';

const kept = storage.get('theme');
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system');

/** Puts the choice on the document element; the style sheet does the rest. */
export function startTheme(): void {
  effect(() => {
    const chosen = theme.value;
    storage.set('theme', chosen);
    if (chosen === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = chosen;
  });
}
