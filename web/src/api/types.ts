/** The REST contract of the node, version 2, as far as this app uses it. */

export interface ConversationSummary {
  id: string;
  title: string;
  provider?: string | null;
  model?: string | null;
  created?: number | null;
  updated?: number | null;
  turns?: number;
  shared?: boolean;
}

export interface ConversationPage {
  conversations: ConversationSummary[];
  next?: string | null;
}

export interface SnippetPiece {
  text: string;
  match: boolean;
}

export interface SearchHit {
  conversation: string;
  title: string;
  turn?: string | null;
  role?: string | null;
  time?: number | null;
  snippet: SnippetPiece[];
}

export interface SearchResult {
  hits: SearchHit[];
  indexing?: { pending: number };
}

export interface Ticket {
  ticket: string;
  url: string;
  link: string;
  grant: string;
}

export interface Shares {
  grants: Record<string, unknown>[];
  members: Record<string, unknown>[];
}

export interface Problem {
  title: string;
  status: number;
  code?: string;
  detail?: string;
  hint?: string;
}

export interface Job {
  id: string;
  state: 'running' | 'done' | 'failed';
  bytes?: number;
  bytes_total?: number;
  report?: Record<string, unknown>;
  problem?: Problem;
}

export interface NodeStatus {
  version?: string;
  peer_id?: string;
  conversations?: number;
  peers?: number;
}

export type ListSort = 'newest' | 'oldest' | 'title';
export type SearchSort = 'newest' | 'best';
