export type XmlValue = string | number | boolean | undefined | XmlElements | readonly XmlElements[];

/** Child elements by name. A list repeats its element; `undefined` omits it. */
export interface XmlElements {
  readonly [name: string]: XmlValue;
}

/** Writes an XML document with S3's namespace. */
export function writeXml(root: string, content: XmlElements): string {
  const namespace = root === 'Error' ? '' : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace}>${writeElements(content)}</${root}>`;
}

function writeElements(content: XmlElements): string {
  return Object.entries(content)
    .map(([name, value]) => {
      if (value === undefined) return '';
      if (isList(value)) return value.map((one) => `<${name}>${writeElements(one)}</${name}>`).join('');
      if (typeof value === 'object') return `<${name}>${writeElements(value)}</${name}>`;
      return `<${name}>${escapeText(String(value))}</${name}>`;
    })
    .join('');
}

const isList = (value: XmlValue): value is readonly XmlElements[] => Array.isArray(value);

const ENTITIES = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
]);

// Escapes control characters too, because a parser turns a bare carriage return into a line feed and keys may contain both.
const escapeText = (text: string): string =>
  text.replace(/[&<>"\p{Cc}]/gu, (char) => ENTITIES.get(char) ?? `&#x${char.charCodeAt(0).toString(16)};`);

/**
 * Reads the texts of each `element`'s children by name. This suffices for the two documents that clients send (lists of
 * parts and lists of keys), which have neither attributes nor deeper levels.
 */
export function readXmlElements(xml: string, element: string): ReadonlyMap<string, string>[] {
  const elements = xml.matchAll(new RegExp(`<${element}>(.*?)</${element}>`, 'gs'));
  return [...elements].map(
    ([, content = '']) =>
      new Map(
        [...content.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name = '', text = '']) => [
          name,
          unescapeText(text),
        ]),
      ),
  );
}

const CHARACTERS = new Map([...ENTITIES, ["'", '&apos;']].map(([char, entity]) => [entity, char]));

const unescapeText = (text: string): string =>
  text.replace(/&(?:#(\d+)|#x([\da-f]+)|\w+);/gi, (entity, decimal?: string, hex?: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return CHARACTERS.get(entity) ?? entity;
  });
