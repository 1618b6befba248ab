import type { Session, SyncState } from '../doc/session';

const words: Record<SyncState, { label: string; title: string }> = {
  loading: { label: 'Loading', title: 'Asking the node for this conversation' },
  online: { label: 'Online', title: 'Every edit is on the disk of your node' },
  syncing: { label: 'Syncing', title: 'Edits are on their way to your node' },
  offline: {
    label: 'Offline',
    title: 'Edits are kept in this browser and merged when the node is back',
  },
};

export function Badge({ session }: { session: Session }) {
  const state = session.state.value;
  const { label, title } = words[state];
  return (
    <span
      class="badge"
      data-state={state}
      data-kept={session.kept.value || undefined}
      role="status"
      title={title}
    >
      <span class="badge-dot" aria-hidden="true" />
      {label}
    </span>
  );
}
