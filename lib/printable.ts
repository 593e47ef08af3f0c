/**
 * A text with every character that steers a terminal, or does not show, written as an escape: what a config or an image calls
 * a thing goes to the screens of people.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

const HEX_DIGITS = 4;

function escapeCharacter(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(HEX_DIGITS, "0")}`).join("");
}
