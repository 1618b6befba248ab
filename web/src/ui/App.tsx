import { useEffect } from 'preact/hooks';
import { unauthorised } from '../lib/library';
import { route } from '../lib/router';
import { Conversation, NoConversation } from './Conversation';
import { openDialog } from './dialog';
import { Dialogs } from './dialogs';
import { DropZone } from './DropZone';
import { Sidebar } from './Sidebar';
import { Toasts } from './toasts';

export function App() {
  const at = route.value;
  useEffect(() => {
    if (at.page === 'join') openDialog.value = { kind: 'join', ticket: at.ticket };
  }, [at]);
  const toMain = (event: Event) => {
    event.preventDefault();
    document.getElementById('main')?.focus();
  };
  return (
    <div class="app" data-page={at.page === 'conversation' ? 'conversation' : 'list'}>
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the conversation
      </a>
      <Sidebar />
      <main id="main" tabIndex={-1}>
        {unauthorised.value ? (
          <SignIn />
        ) : at.page === 'conversation' ? (
          <Conversation key={at.id} id={at.id} turn={at.turn} />
        ) : (
          <NoConversation />
        )}
      </main>
      <DropZone />
      <Dialogs />
      <Toasts />
    </div>
  );
}

function SignIn() {
  return (
    <section class="conversation welcome">
      <div class="message" role="alert">
        <h1>This browser is not signed in</h1>
        <p>
          Open the address that the node printed when it started (it ends in “?token=…”). It signs
          this browser in once.
        </p>
        <p class="hint">
          Lost it? Run <code>vivim status</code>.
        </p>
      </div>
    </section>
  );
}
