// Maps a ChatGPT export's conversation to the document of docs/protocol/conversation.md, roughly: for development only.
import * as Y from 'yjs';

const ms = (seconds) => (typeof seconds === 'number' ? seconds * 1000 : undefined);

export function toDocument(source, doc) {
  doc.transact(() => {
    doc.getText('title').insert(0, source.title ?? 'Untitled');
    const meta = doc.getMap('meta');
    set(meta, {
      schema: 1,
      created: ms(source.create_time),
      updated: ms(source.update_time),
      current: source.current_node,
      model: source.default_model_slug,
    });
    set(doc.getMap('provenance'), {
      provider: 'chatgpt',
      original_id: source.conversation_id ?? source.id,
      imported: Date.now(),
      title: source.title,
    });
    const turns = doc.getMap('turns');
    for (const [id, node] of Object.entries(source.mapping)) turns.set(id, toTurn(node, source));
  });
}

function set(map, values) {
  for (const [key, value] of Object.entries(values))
    if (value !== undefined && value !== null) map.set(key, value);
}

function toTurn(node, source) {
  const { message } = node;
  const turn = new Y.Map();
  turn.set('parent', node.parent ?? null);
  const siblings = node.parent ? source.mapping[node.parent]?.children : undefined;
  const index = siblings?.indexOf(node.id) ?? 0;
  const parts = message ? toParts(message) : [];
  const words = parts
    .filter((part) => part.type === 'text')
    .map((part) => part.words)
    .join('\n\n');
  const first = parts.findIndex((part) => part.type === 'text');
  const kept = parts
    .filter((part, at) => part.type !== 'text' || at === first)
    .map(({ words: _words, ...part }) => part);
  set(turn, {
    role: message?.author?.role ?? 'none',
    time: ms(message?.create_time),
    updated: ms(message?.update_time),
    index,
    name: message?.author?.name,
    model: message?.metadata?.model_slug,
    provider: 'chatgpt',
    hidden: message?.metadata?.is_visually_hidden_from_conversation === true ? true : undefined,
    recipient: message?.recipient && message.recipient !== 'all' ? message.recipient : undefined,
    content: `bafkrei-mock-${node.id}`,
  });
  turn.set('parts', kept);
  turn.set('text', new Y.Text(words));
  return turn;
}

const makers = {
  text: (content) => (content.parts ?? []).filter((part) => part !== '').map(text),
  multimodal_text: (content) =>
    (content.parts ?? []).map((part) => (typeof part === 'string' ? text(part) : asset(part))),
  code: (content) => [
    {
      type: 'code',
      language: content.language === 'unknown' ? '' : content.language,
      text: content.text ?? '',
    },
  ],
  execution_output: (content) => [{ type: 'execution_output', text: content.text ?? '' }],
  tether_quote: (content) => [
    {
      type: 'quote',
      url: content.url,
      domain: content.domain,
      title: content.title,
      text: content.text,
    },
  ],
  tether_browsing_display: (content) => [
    { type: 'browsing', text: content.result ?? '', summary: content.summary ?? '' },
  ],
  thoughts: (content) => [{ type: 'thoughts', thoughts: content.thoughts ?? [] }],
  reasoning_recap: (content) => [{ type: 'reasoning_recap', text: content.content ?? '' }],
};

const text = (words) => ({ type: 'text', words });

function asset(part) {
  if (part.content_type !== 'image_asset_pointer')
    return { type: 'unknown', kind: part.content_type, raw: part };
  const image = {
    type: 'image',
    asset: part.asset_pointer,
    width: part.width,
    height: part.height,
    bytes: part.size_bytes,
    prompt: part.metadata?.dalle?.prompt,
    cid: part.cid,
    mime: part.mime,
  };
  return JSON.parse(JSON.stringify(image));
}

function toParts(message) {
  const make = makers[message.content.content_type];
  const parts = make
    ? make(message.content)
    : [{ type: 'unknown', kind: message.content.content_type, raw: message.content }];
  for (const file of message.metadata?.attachments ?? [])
    parts.push({
      type: 'file',
      asset: file.id,
      name: file.name,
      mime: file.mime_type,
      bytes: file.size,
    });
  return JSON.parse(JSON.stringify([...parts, ...(message.vivim_parts ?? [])]));
}
