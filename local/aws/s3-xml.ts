import { S3Error } from './s3-errors.ts';

export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | XmlElements
  | readonly (XmlElements | string)[];

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
      return (isList(value) ? value : [value])
        .map((one) => `<${name}>${writeContent(one)}</${name}>`)
        .join('');
    })
    .join('');
}

const writeContent = (value: XmlElements | string | number | boolean): string =>
  typeof value === 'object' ? writeElements(value) : escapeText(String(value));

const isList = (value: XmlValue): value is readonly (XmlElements | string)[] => Array.isArray(value);

const ENTITIES = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
]);

// Escapes control characters too, because a parser turns a bare carriage return into a line feed and keys may contain both.
const escapeText = (text: string): string =>
  text.replace(/[&<>"\p{Cc}]/gu, (char) => ENTITIES.get(char) ?? `&#x${char.charCodeAt(0).toString(16)};`);

/** An element of a document that a client sent. */
export interface XmlElement {
  readonly name: string;
  /** Empty if it has children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

const TOKEN =
  /<\?xml[^>]*\?>|<!--.*?-->|<(?<close>\/?)(?<name>\w+)(?:\s+xmlns(?::\w+)?=(?:"[^"]*"|'[^']*'))*\s*(?<empty>\/?)>|(?<text>[^<]+)/sy;

/**
 * Reads a document of elements and texts, which is all that S3's documents have. Refuses everything else, such as other
 * attributes, because ignoring it could change the meaning.
 * @throws {S3Error} `MalformedXML`
 */
export function readXml(xml: string, rootName: string): XmlElement {
  const top: OpenElement = { name: '', text: '', children: [] };
  const open = [top];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < xml.length) {
    const groups = TOKEN.exec(xml)?.groups;
    const parent = open.at(-1);
    if (groups === undefined || parent === undefined) throw new S3Error('MalformedXML');
    const { close, name, empty, text } = groups;
    if (text !== undefined) parent.text += unescapeText(text);
    else if (name === undefined) continue;
    else if (close !== '') {
      if (parent.name !== name || open.length === 1) throw new S3Error('MalformedXML');
      open.pop();
    } else {
      const element: OpenElement = { name, text: '', children: [] };
      parent.children.push(element);
      if (empty === '') open.push(element);
    }
  }
  const [root] = top.children;
  if (open.length > 1 || root?.name !== rootName || top.children.length > 1)
    throw new S3Error('MalformedXML');
  return root;
}

/** Returns the children of an element. @throws {S3Error} `NotImplemented` if one has another name. */
export function childrenOf(element: XmlElement, names: readonly string[]): readonly XmlElement[] {
  const other = element.children.find(({ name }) => !names.includes(name));
  if (other !== undefined)
    throw new S3Error(
      'NotImplemented',
      `The embedded S3 does not support the element "${other.name}" in "${element.name}".`,
    );
  return element.children;
}

/**
 * Returns the texts of an element's children by name.
 * @throws {S3Error} `NotImplemented` for other names, `MalformedXML` for a name that repeats or has children.
 */
export function textsOf(element: XmlElement, names: readonly string[]): ReadonlyMap<string, string> {
  const children = childrenOf(element, names);
  const texts = new Map(children.map(({ name, text }) => [name, text]));
  if (texts.size < children.length || children.some((child) => child.children.length > 0))
    throw new S3Error('MalformedXML');
  return texts;
}

const CHARACTERS = new Map([...ENTITIES, ["'", '&apos;']].map(([char, entity]) => [entity, char]));

const unescapeText = (text: string): string =>
  text.replace(/&(?:#(\d+)|#x([\da-f]+)|\w+);/gi, (entity, decimal?: string, hex?: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return CHARACTERS.get(entity) ?? entity;
  });
