/**
 * A URL, or a text with URLs in it, as it may be shown: `redis://user:***@host`, `?token=***`. What it cannot read as a
 * URL it would rather hide too much of.
 */
export function withoutPassword(text: string): string {
  return (
    text
      // Up to the last @ of the word: a password may hold what belongs into percent signs.
      .replace(/([a-z][a-z\d+.-]*:\/\/)(\S*)@/gi, (_, scheme: string, user: string) => {
        const colon = user.indexOf(':');
        return `${scheme}${colon > 0 ? `${user.slice(0, colon)}:` : ''}***@`;
      })
      .replace(/([?&][^=&\s]*(?:pass|pwd|token|secret|key|auth|signature)[^=&\s]*=)[^&#\s]+/gi, '$1***')
  );
}
