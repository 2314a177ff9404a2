// As much XML as S3's answers need: elements with text, without attributes where they are read.

/** The text of the first element with this name, decoded. */
export function elementOf(xml: string, name: string): string | undefined {
  const [element] = elementsOf(xml, name);
  return element === undefined ? undefined : decodeXml(element);
}

/** What is in all elements with this name, which are not in each other, as it is written. */
export function elementsOf(xml: string, name: string): readonly string[] {
  return xml
    .split(`<${name}>`)
    .slice(1)
    .flatMap((rest) => {
      const end = rest.indexOf(`</${name}>`);
      return end < 0 ? [] : [rest.slice(0, end)];
    });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const decodeXml = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    if (Number.isNaN(code)) return ENTITIES[name] ?? whole;
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });

/** Writes a text into XML. */
export const encodeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
