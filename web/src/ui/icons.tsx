import type { ComponentChildren } from 'preact';

function icon(children: ComponentChildren) {
  return function Icon() {
    return (
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        {children}
      </svg>
    );
  };
}

export const SearchIcon = icon(
  <>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m16 16 4 4" />
  </>,
);
export const PlusIcon = icon(<path d="M12 5v14M5 12h14" />);
export const ImportIcon = icon(<path d="M12 4v11m0 0-4-4m4 4 4-4M5 19h14" />);
export const BackIcon = icon(<path d="m14 6-6 6 6 6" />);
export const LeftIcon = icon(<path d="m14 7-5 5 5 5" />);
export const RightIcon = icon(<path d="m10 7 5 5-5 5" />);
export const ShareIcon = icon(
  <>
    <circle cx="6.5" cy="12" r="2.5" />
    <circle cx="17" cy="6.5" r="2.5" />
    <circle cx="17" cy="17.5" r="2.5" />
    <path d="m8.8 10.9 6-3.2M8.8 13.1l6 3.2" />
  </>,
);
export const MoreIcon = icon(
  <>
    <circle cx="6" cy="12" r="1.2" />
    <circle cx="12" cy="12" r="1.2" />
    <circle cx="18" cy="12" r="1.2" />
  </>,
);
export const EditIcon = icon(<path d="M5 19h3.5L19 8.5 15.5 5 5 15.5zM13.5 7l3.5 3.5" />);
export const CopyIcon = icon(
  <>
    <rect x="9" y="9" width="10" height="10" rx="2" />
    <path d="M15 6.5V6a1 1 0 0 0-1-1H6a1 1 0 0 0-1 1v8a1 1 0 0 0 1 1h.5" />
  </>,
);
export const TrashIcon = icon(<path d="M5 7h14M10 7V5h4v2m-7 0 1 12h8l1-12M10.5 11v5M13.5 11v5" />);
export const BranchIcon = icon(
  <>
    <circle cx="7" cy="6" r="2" />
    <circle cx="7" cy="18" r="2" />
    <circle cx="17" cy="8" r="2" />
    <path d="M7 8v8m0-2c0-4 10-1 10-4" />
  </>,
);
export const UndoIcon = icon(<path d="M9 7 5 11l4 4M5 11h9a5 5 0 0 1 0 10h-2" />);
export const RedoIcon = icon(<path d="m15 7 4 4-4 4m4-4h-9a5 5 0 0 0 0 10h2" />);
export const CloseIcon = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const EyeIcon = icon(
  <>
    <path d="M3 12c2.5-4.5 5.5-6.5 9-6.5s6.5 2 9 6.5c-2.5 4.5-5.5 6.5-9 6.5S5.5 16.5 3 12z" />
    <circle cx="12" cy="12" r="2.7" />
  </>,
);
export const SunIcon = icon(
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4" />
  </>,
);
export const MoonIcon = icon(<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z" />);
export const SystemIcon = icon(
  <>
    <circle cx="12" cy="12" r="8" />
    <path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor" />
  </>,
);
export const HelpIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M9.7 9.5a2.4 2.4 0 1 1 3.5 2.2c-.8.4-1.2.9-1.2 1.8M12 16.6v.1" />
  </>,
);
export const FileIcon = icon(<path d="M7 4h7l4 4v12H7zM14 4v4h4" />);
export const ToolIcon = icon(
  <path d="m14.5 6.5 3-3a4.5 4.5 0 0 1-6 6L5 16l3 3 6.5-6.5a4.5 4.5 0 0 0 6-6l-3 3z" />,
);
export const ThoughtIcon = icon(
  <>
    <path d="M9 17.5h6M10 20h4M12 4a5.5 5.5 0 0 0-3.2 10c.6.5 1 1 1.2 1.7h4c.2-.7.6-1.2 1.2-1.7A5.5 5.5 0 0 0 12 4z" />
  </>,
);
export const QuoteIcon = icon(
  <path d="M6 16.5c2.2-.6 3.5-2 3.5-4.5H6V7.5h4.5V12c0 3.5-1.5 5.6-4.5 6.2zm8 0c2.2-.6 3.5-2 3.5-4.5H14V7.5h4.5V12c0 3.5-1.5 5.6-4.5 6.2z" />,
);
export const LinkIcon = icon(
  <path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1" />,
);
export const KeyIcon = icon(
  <>
    <circle cx="8" cy="14" r="3.5" />
    <path d="m10.5 11.5 7-7m-3 3 3 3" />
  </>,
);

const glyphs: Record<string, { letter: string; name: string }> = {
  chatgpt: { letter: 'G', name: 'ChatGPT' },
  claude: { letter: 'C', name: 'Claude' },
};

export function providerName(provider: string | null | undefined): string {
  return provider ? (glyphs[provider]?.name ?? provider) : 'VIVIM';
}

/** A small mark for where a conversation came from; the name is beside it or in its title. */
export function ProviderMark({ provider }: { provider: string | null | undefined }) {
  const name = providerName(provider);
  const letter = provider ? (glyphs[provider]?.letter ?? name[0]!.toUpperCase()) : 'V';
  return (
    <span class="mark" data-provider={provider ?? 'vivim'} title={name} aria-hidden="true">
      {letter}
    </span>
  );
}
