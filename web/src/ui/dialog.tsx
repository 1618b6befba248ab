import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { CloseIcon } from './icons';

/** The one dialog that may be open. */
export type OpenDialog =
  | { kind: 'help' }
  | { kind: 'identity' }
  | { kind: 'share'; id: string; title: string }
  | { kind: 'join'; ticket: string }
  | { kind: 'delete'; id: string; title: string };

export const openDialog = signal<OpenDialog | null>(null);

export function closeDialog(): void {
  openDialog.value = null;
}

interface DialogProps {
  title: string;
  children: ComponentChildren;
  role?: 'dialog' | 'alertdialog';
  onClose?: () => void;
}

/** A modal dialog on the browser's own: it keeps the focus inside, closes with Escape, and gives the focus back. */
export function Dialog({ title, children, role = 'dialog', onClose = closeDialog }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class="dialog"
      role={role}
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={heading}>{title}</h2>
          <button type="button" class="button quiet square" aria-label="Close" onClick={onClose}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
