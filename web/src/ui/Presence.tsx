import type { Session, Visitor } from '../doc/session';
import { initials } from '../lib/identity';

const avatarsMax = 5;

/** Who else has this conversation open. */
export function Visitors({ session }: { session: Session }) {
  const visitors = session.visitors.value;
  if (visitors.length === 0) return null;
  const more = visitors.length - avatarsMax;
  return (
    <ul class="visitors" aria-label="Also here">
      {visitors.slice(0, avatarsMax).map((visitor) => (
        <li key={visitor.client}>
          <span
            class="avatar"
            style={{ background: visitor.colour }}
            title={describe(visitor)}
            role="img"
            aria-label={describe(visitor)}
          >
            {initials(visitor.name)}
          </span>
        </li>
      ))}
      {more > 0 && <li class="visitors-more">+{more}</li>}
    </ul>
  );
}

const describe = (visitor: Visitor) =>
  visitor.editing ? `${visitor.name} is writing` : visitor.name;

/** The others who are at one turn (or the title). */
export function VisitorDots({ session, at }: { session: Session; at: string }) {
  const here = session.visitors.value.filter((visitor) => visitor.at === at);
  if (here.length === 0) return null;
  return (
    <span class="here">
      {here.map((visitor) => (
        <span
          key={visitor.client}
          class="here-name"
          data-editing={visitor.editing || undefined}
          style={{ '--who': visitor.colour }}
        >
          {visitor.name}
          {visitor.editing && <span class="sr"> is writing</span>}
        </span>
      ))}
    </span>
  );
}
