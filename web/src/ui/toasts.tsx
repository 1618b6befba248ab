import { signal } from '@preact/signals';
import { CloseIcon } from './icons';

interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'bad';
  action?: { label: string; run: () => void };
}

const toasts = signal<readonly Toast[]>([]);
const toastsMax = 4;
let lastId = 0;

const dismiss = (id: number) => {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
};

/** Says something in passing; bad news stays until it is dismissed. */
export function toast(text: string, options: Partial<Pick<Toast, 'tone' | 'action'>> = {}): void {
  const id = ++lastId;
  const tone = options.tone ?? 'plain';
  toasts.value = [
    ...toasts.value.slice(1 - toastsMax),
    { id, text, tone, ...(options.action ? { action: options.action } : {}) },
  ];
  if (tone === 'plain') setTimeout(() => dismiss(id), options.action ? 8_000 : 4_000);
}

export function toastError(error: unknown): void {
  toast(error instanceof Error ? error.message : String(error), { tone: 'bad' });
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((item) => (
        <div key={item.id} class="toast" data-tone={item.tone}>
          <span>{item.text}</span>
          {item.action && (
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                item.action!.run();
                dismiss(item.id);
              }}
            >
              {item.action.label}
            </button>
          )}
          <button
            type="button"
            class="button quiet square"
            aria-label="Dismiss"
            onClick={() => dismiss(item.id)}
          >
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}
