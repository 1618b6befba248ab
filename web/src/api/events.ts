import { signal } from '@preact/signals';
import { socketUrl } from './client';

/** A message of the node's event stream; other keys depend on `type`. */
export interface NodeEvent {
  type: string;
  [key: string]: unknown;
}

type Listener = (event: NodeEvent) => void;

const listeners = new Set<Listener>();
const retryMsMax = 5_000;

/** Whether the node answers, as the event stream sees it; null until the first attempt ended. */
export const nodeOnline = signal<boolean | null>(null);

/** Calls `listener` for every event, and with `{type: 'reconnected'}` when events may have been missed. */
export function onNodeEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function emit(event: NodeEvent): void {
  for (const listener of listeners) listener(event);
}

/** Connects to the event stream for as long as the page lives, again after every break. */
export function startEvents(): void {
  let retryMs = 250;
  let before = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connect = () => {
    clearTimeout(timer);
    const socket = new WebSocket(socketUrl('api/v2/events'));
    socket.onopen = () => {
      retryMs = 250;
      nodeOnline.value = true;
      if (before) emit({ type: 'reconnected' });
      before = true;
    };
    socket.onmessage = (message) => {
      const event = parse(message.data);
      if (event) emit(event);
    };
    socket.onclose = () => {
      nodeOnline.value = false;
      timer = setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, retryMsMax);
    };
  };
  connect();
}

function parse(data: unknown): NodeEvent | null {
  if (typeof data !== 'string') return null;
  try {
    const event = JSON.parse(data) as NodeEvent;
    return typeof event.type === 'string' ? event : null;
  } catch {
    return null;
  }
}
