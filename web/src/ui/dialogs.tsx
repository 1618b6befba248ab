import { useEffect, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Shares, Ticket } from '../api/types';
import { findTicket } from '../lib/ids';
import { colours, identity, initials, setIdentity } from '../lib/identity';
import { refreshList } from '../lib/library';
import { go, route } from '../lib/router';
import { copyText } from './clipboard';
import { closeDialog, Dialog, openDialog } from './dialog';
import { CheckIcon, CopyIcon } from './icons';
import { activeReader, setSingleKeys, shortcutHelp, singleKeys } from './shortcuts';
import { toast, toastError } from './toasts';

/** The dialog that is open, if one is. */
export function Dialogs() {
  const open = openDialog.value;
  switch (open?.kind) {
    case 'help':
      return <HelpDialog />;
    case 'identity':
      return <IdentityDialog />;
    case 'share':
      return <ShareDialog key={open.id} id={open.id} title={open.title} />;
    case 'join':
      return <JoinDialog ticket={open.ticket} />;
    case 'delete':
      return <DeleteDialog id={open.id} title={open.title} />;
    default:
      return null;
  }
}

function HelpDialog() {
  return (
    <Dialog title="Keys">
      <div class="keys">
        {shortcutHelp.map(({ group, keys }) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key
                      .split(' ')
                      .filter(Boolean)
                      .map((cap) => (
                        <kbd key={cap}>{cap}</kbd>
                      ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => setSingleKeys(event.currentTarget.checked)}
        />
        <span>Single keys are on</span>
      </label>
    </Dialog>
  );
}

function IdentityDialog() {
  const [name, setName] = useState(identity.value.name);
  const [colour, setColour] = useState(identity.value.colour);
  return (
    <Dialog title="How others see you">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          setIdentity(name, colour);
          closeDialog();
        }}
      >
        <div class="row">
          <span class="avatar large" style={{ background: colour }} aria-hidden="true">
            {initials(name)}
          </span>
          <label class="field grow">
            <span>Name</span>
            <input
              value={name}
              maxLength={60}
              required
              autocomplete="nickname"
              onInput={(event) => setName(event.currentTarget.value)}
            />
          </label>
        </div>
        <fieldset class="colours">
          <legend>Colour of your cursor</legend>
          {colours.map((option, at) => (
            <label key={option} style={{ '--swatch': option }}>
              <input
                type="radio"
                name="colour"
                aria-label={`Colour ${at + 1}`}
                checked={option === colour}
                onChange={() => setColour(option)}
              />
              <span aria-hidden="true" />
            </label>
          ))}
        </fieldset>
        <p class="hint">
          Kept in this browser, and shown to those with whom you share a conversation.
        </p>
        <div class="dialog-foot">
          <button type="submit" class="button primary">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function CopyField({ label, value, hint }: { label: string; value: string; hint: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    setCopied(await copyText(value));
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <div class="field">
      <label>
        <span>{label}</span>
        <span class="row">
          <input
            class="grow mono"
            readOnly
            value={value}
            onFocus={(event) => event.currentTarget.select()}
          />
          <button
            type="button"
            class="button"
            onClick={() => void copy()}
            aria-label={`Copy the ${label.toLowerCase()}`}
          >
            {copied ? <CheckIcon /> : <CopyIcon />}
            <span>{copied ? 'Copied' : 'Copy'}</span>
          </button>
        </span>
      </label>
      <p class="hint">{hint}</p>
    </div>
  );
}

function ShareDialog({ id, title }: { id: string; title: string }) {
  const [ticket, setTicket] = useState<Ticket | null>(null);
  const [shares, setShares] = useState<Shares | null>(null);
  const [busy, setBusy] = useState(false);
  const load = () => api.shares(id).then(setShares, toastError);
  useEffect(() => void load(), [id]);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    await work().catch(toastError);
    setBusy(false);
  };
  const share = () =>
    run(async () => {
      setTicket(await api.share(id));
      await load();
    });
  const unshare = () =>
    run(async () => {
      await api.unshare(id);
      setTicket(null);
      await load();
      toast('No ticket opens this conversation any more');
    });
  const grants = liveGrants(shares);
  return (
    <Dialog title={`Share “${title || 'Untitled'}”`}>
      <div class="stack">
        <p>
          Who has the ticket can read and write this conversation on a node of their own, and it
          stays in sync with yours.
        </p>
        {ticket === null ? (
          <button
            type="button"
            class="button primary wide"
            disabled={busy}
            onClick={() => void share()}
          >
            {grants > 0 ? 'Make another ticket' : 'Make a ticket'}
          </button>
        ) : (
          <>
            <CopyField
              label="Ticket"
              value={ticket.ticket}
              hint="They paste it where they join, or run: vivim join TICKET"
            />
            <CopyField
              label="Link"
              value={ticket.link}
              hint="Opens the join dialog in a browser on a machine that runs a node."
            />
          </>
        )}
        <Members shares={shares} />
        {grants > 0 && (
          <div class="dialog-foot">
            <span class="hint grow">
              Taking the tickets back stops what comes; what others have, they keep.
            </span>
            <button
              type="button"
              class="button danger"
              disabled={busy}
              onClick={() => void unshare()}
            >
              Stop sharing
            </button>
          </div>
        )}
      </div>
    </Dialog>
  );
}

/** Tickets of ours that still open the conversation. */
const liveGrants = (shares: Shares | null) =>
  shares?.grants.filter((grant) => grant['revoked'] === undefined && grant['made_by_us'] !== false)
    .length ?? 0;

/** The node's words for a member, whichever of its keys are there. */
function memberName(member: Record<string, unknown>): string {
  for (const key of ['name', 'peer', 'peer_id', 'id', 'address']) {
    const value = member[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return 'A node';
}

function Members({ shares }: { shares: Shares | null }) {
  if (shares === null) return <p class="hint">Asking the node…</p>;
  return (
    <section>
      <h3>Nodes that have it</h3>
      {shares.members.length === 0 ? (
        <p class="hint">
          {liveGrants(shares) === 0 ? 'Only yours.' : 'Only yours so far: nobody has joined yet.'}
        </p>
      ) : (
        <ul class="members">
          {shares.members.map((member, at) => (
            <li key={at}>
              <span class="mono">{memberName(member)}</span>
              {typeof member['connected'] === 'boolean' && (
                <span class="tag">{member['connected'] ? 'connected' : 'away'}</span>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function JoinDialog({ ticket }: { ticket: string }) {
  const [pasted, setPasted] = useState(ticket);
  const [busy, setBusy] = useState(false);
  const found = findTicket(pasted);
  const close = () => {
    closeDialog();
    if (route.peek().page === 'join') go({ page: 'list' }, { replace: true });
  };
  const join = async () => {
    if (found === undefined) return;
    setBusy(true);
    try {
      const { id } = await api.join(found);
      closeDialog();
      go({ page: 'conversation', id }, { replace: route.peek().page === 'join' });
    } catch (error) {
      toastError(error);
    }
    setBusy(false);
  };
  return (
    <Dialog title="Join a conversation" onClose={close}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void join();
        }}
      >
        <label class="field">
          <span>Ticket or link</span>
          <textarea
            class="mono"
            rows={4}
            value={pasted}
            spellcheck={false}
            placeholder="vivim1…"
            onInput={(event) => setPasted(event.currentTarget.value)}
          />
        </label>
        {pasted.trim() !== '' && found === undefined && (
          <p class="failure" role="alert">
            There is no ticket in this: a ticket begins with vivim1.
          </p>
        )}
        <div class="dialog-foot">
          <button type="submit" class="button primary" disabled={busy || found === undefined}>
            {busy ? 'Joining…' : 'Join'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteDialog({ id, title }: { id: string; title: string }) {
  const remove = async () => {
    try {
      const reader = activeReader.peek();
      await api.remove(id);
      closeDialog();
      if (reader?.session.id === id) {
        await reader.session.forget();
        go({ page: 'list' }, { replace: true });
      }
      await refreshList();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <Dialog title="Delete this conversation?" role="alertdialog">
      <p>
        “{title || 'Untitled'}” goes from your node and from this browser. Nodes that have joined it
        keep theirs.
      </p>
      <div class="dialog-foot">
        <button type="button" class="button" onClick={closeDialog}>
          Keep it
        </button>
        <button type="button" class="button danger" onClick={() => void remove()}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
