import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { blobUrl } from '../api/client';
import { asNumber, asString, thoughtsOf, type Part } from '../doc/model';
import { byteSize } from '../lib/time';
import { markCitations } from '../markdown/citations';
import { Code, Markdown } from '../markdown/Markdown';
import { FileIcon, LinkIcon, QuoteIcon, ThoughtIcon, ToolIcon } from './icons';

/** A folded piece: its content is built when it is first opened, so a long quote costs nothing until then. */
function Fold({
  icon,
  label,
  hint,
  children,
  open = false,
}: {
  icon: ComponentChildren;
  label: string;
  hint?: string | undefined;
  children: () => ComponentChildren;
  open?: boolean;
}) {
  const [opened, setOpened] = useState(open);
  return (
    <details
      class="fold"
      open={open}
      onToggle={(event) => event.currentTarget.open && setOpened(true)}
    >
      <summary>
        {icon}
        <span class="fold-label">{label}</span>
        {hint && <span class="fold-hint">{hint}</span>}
      </summary>
      {opened && <div class="fold-body">{children()}</div>}
    </details>
  );
}

const oneLine = (text: string, units = 110) => {
  const line = markCitations(text).replace(/\s+/g, ' ').trim();
  return line.length > units ? `${line.slice(0, units)}…` : line;
};

const showJson = (value: unknown) =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');

/** A link only to the web: anything else a peer wrote is shown as words. */
function WebLink({ url, children }: { url: string | undefined; children: ComponentChildren }) {
  if (url === undefined || !/^https?:\/\//i.test(url)) return <>{children}</>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** One part of a turn, by its type; `text` is the turn's own affair. */
export function PartView({ part }: { part: Part }) {
  const make = views[part.type];
  return make ? make(part) : <Unknown part={part} />;
}

const text = (part: Part) => asString(part['text']) ?? '';

const views: Record<string, (part: Part) => ComponentChildren> = {
  code: (part) => (
    <Code text={text(part)} language={asString(part['language']) || guessLanguage(text(part))} />
  ),
  execution_output: (part) => (
    <div class="output">
      <span class="output-label">Output</span>
      <pre tabIndex={0}>{text(part) || '(nothing)'}</pre>
    </div>
  ),
  image: (part) => <Image part={part} />,
  audio: (part) => <Media part={part} />,
  video: (part) => <Media part={part} />,
  file: (part) => <FileCard part={part} />,
  thoughts: (part) => {
    const thoughts = thoughtsOf(part);
    if (thoughts.length === 0) return null;
    return (
      <Fold
        icon={<ThoughtIcon />}
        label="Thoughts"
        hint={oneLine(thoughts.map((item) => item.summary || item.content).join(' · '))}
      >
        {() =>
          thoughts.map((item, at) => (
            <section key={at} class="thought">
              {item.summary && <h4>{item.summary}</h4>}
              <Markdown text={item.content} />
            </section>
          ))
        }
      </Fold>
    );
  },
  reasoning_recap: (part) => (
    <p class="recap">
      <ThoughtIcon /> {text(part)}
    </p>
  ),
  quote: (part) => (
    <Fold
      icon={<QuoteIcon />}
      label={asString(part['title']) || asString(part['domain']) || 'Quote'}
      hint={oneLine(text(part))}
    >
      {() => (
        <>
          {asString(part['url']) && (
            <p class="source">
              <WebLink url={asString(part['url'])}>{asString(part['url'])}</WebLink>
            </p>
          )}
          <blockquote class="quoted">{markCitations(text(part)).trim()}</blockquote>
        </>
      )}
    </Fold>
  ),
  browsing: (part) => {
    const words = text(part) || asString(part['summary']) || '';
    return words.trim() === '' ? null : (
      <Fold icon={<QuoteIcon />} label="Browsing" hint={oneLine(words)}>
        {() => <blockquote class="quoted">{words}</blockquote>}
      </Fold>
    );
  },
  tool_call: (part) => (
    <Fold
      icon={<ToolIcon />}
      label={`Calls ${asString(part['name']) ?? 'a tool'}`}
      hint={oneLine(showJson(part['input']))}
    >
      {() => <Code text={showJson(part['input'])} language="json" />}
    </Fold>
  ),
  tool_result: (part) => (
    <Fold icon={<ToolIcon />} label={resultLabel(part)} hint={oneLine(showJson(part['output']))}>
      {() =>
        typeof part['output'] === 'string' ? (
          <pre class="plain">{part['output']}</pre>
        ) : (
          <Code text={showJson(part['output'])} language="json" />
        )
      }
    </Fold>
  ),
  citation: (part) => (
    <p class="citation">
      <LinkIcon />
      <WebLink url={asString(part['url'])}>
        {asString(part['title']) || asString(part['url']) || 'Source'}
      </WebLink>
      {text(part) && <span class="citation-text">{oneLine(text(part), 180)}</span>}
    </p>
  ),
  error: (part) => (
    <p class="failure" role="note">
      <strong>{asString(part['name']) || 'Error'}</strong> {text(part)}
    </p>
  ),
  context: (part) => (
    <Fold icon={<FileIcon />} label="Context" hint={oneLine(text(part))}>
      {() => <Markdown text={text(part)} />}
    </Fold>
  ),
};

function resultLabel(part: Part): string {
  const name = asString(part['name']) ?? 'The tool';
  return part['error'] === true
    ? `${name} failed`
    : `Result of ${asString(part['name']) ?? 'the tool'}`;
}

function guessLanguage(code: string): string {
  return /^\s*[[{]/.test(code) ? 'json' : '';
}

function Unknown({ part }: { part: Part }) {
  const kind = asString(part['kind']) ?? part.type;
  return (
    <Fold
      icon={<FileIcon />}
      label={`Kept verbatim: ${kind}`}
      hint="a kind this version does not know"
    >
      {() => <Code text={showJson(part['raw'] ?? part)} language="json" />}
    </Fold>
  );
}

const factsOf = (part: Part) => {
  const [width, height, bytes] = [
    asNumber(part['width']),
    asNumber(part['height']),
    asNumber(part['bytes']),
  ];
  return [
    width && height ? `${width} × ${height}` : '',
    bytes ? byteSize(bytes) : '',
    asString(part['mime']) ?? '',
  ]
    .filter(Boolean)
    .join(' · ');
};

function Image({ part }: { part: Part }) {
  const [failed, setFailed] = useState(false);
  const cid = asString(part['cid']);
  const prompt = asString(part['prompt']);
  const name = asString(part['name']);
  const [width, height] = [asNumber(part['width']), asNumber(part['height'])];
  if (cid === undefined || failed) {
    return (
      <div class="missing" role="note">
        <FileIcon />
        <span>
          <strong>{name ?? 'Image'}</strong>{' '}
          {failed ? 'could not be shown' : 'was not part of the export'}
          <small>{factsOf(part)}</small>
          {prompt && <small class="prompt">“{prompt}”</small>}
        </span>
      </div>
    );
  }
  return (
    <figure class="image">
      <a href={blobUrl(cid)} target="_blank" rel="noopener">
        <img
          src={blobUrl(cid)}
          alt={prompt ?? name ?? 'Image of this turn'}
          loading="lazy"
          decoding="async"
          width={width}
          height={height}
          onError={() => setFailed(true)}
        />
      </a>
      {(prompt ?? name) && <figcaption>{prompt ?? name}</figcaption>}
    </figure>
  );
}

function Media({ part }: { part: Part }) {
  const cid = asString(part['cid']);
  return (
    <div class="media">
      {cid === undefined ? (
        <FileCard part={part} />
      ) : part.type === 'video' ? (
        <video controls preload="metadata" src={blobUrl(cid)} />
      ) : (
        <audio controls preload="metadata" src={blobUrl(cid)} />
      )}
      {cid !== undefined && text(part) && <p class="transcript">{text(part)}</p>}
    </div>
  );
}

function FileCard({ part }: { part: Part }) {
  const cid = asString(part['cid']);
  const name = asString(part['name']) ?? asString(part['asset']) ?? 'File';
  return (
    <div class="file">
      <FileIcon />
      <span class="file-text">
        {cid === undefined ? (
          <span class="file-name">{name}</span>
        ) : (
          <a class="file-name" href={blobUrl(cid)} download={name}>
            {name}
          </a>
        )}
        <small>
          {[factsOf(part), cid === undefined ? 'not part of the export' : '']
            .filter(Boolean)
            .join(' · ')}
        </small>
      </span>
      {text(part) && (
        <Fold icon={<QuoteIcon />} label="Its text" hint={oneLine(text(part))}>
          {() => <blockquote class="quoted">{text(part)}</blockquote>}
        </Fold>
      )}
    </div>
  );
}
