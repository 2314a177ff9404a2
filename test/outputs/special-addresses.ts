/** One address of every range that is not the public Internet's, and the edges of the best known. */
export const SPECIAL_V4 = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.254', '127.0.0.1'],
  ...['127.255.255.254', '169.254.169.254', '169.254.170.2', '172.16.0.1', '172.31.255.255', '192.0.0.192'],
  ...['192.0.2.1', '192.88.99.1', '192.168.0.1', '192.168.255.255', '198.18.0.1', '198.19.255.255'],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
] as const;

/** The same of IPv6, as a resolver may write them; with a zone they cannot stand in a URL. */
export const SPECIAL_V6 = [
  ...['::', '::1', '0:0:0:0:0:0:0:1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1'],
  ...['5f00::1', 'fc00::1', 'fd00:ec2::254', 'fdff:ffff::1', 'fe80::1', 'fe80::a9fe:a9fe', 'fec0::1'],
  ...['ff01::1', 'ff02::1', 'ff0e::1', '::127.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b:1::7f00:1'],
] as const;

/** An IPv4 address within IPv6: mapped, compatible, translated, NAT64, 6to4. */
export function embedded(address: string): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(':');
  return [
    ...['::ffff:', '::', '::ffff:0:', '64:ff9b::', '0:0:0:0:0:ffff:'].map((prefix) => prefix + address),
    ...['::ffff:', '::FFFF:', '64:ff9b::', '64:FF9B::', '64:ff9b:1::'].map((prefix) => prefix + groups),
    `2002:${groups}::`,
  ];
}

/** An IPv4 address as URLs may spell it: all of them are read as the same one. */
export function spellings(address: string): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const octal = (part: number) => `0${part.toString(8)}`;
  const hex = (part: number) => `0x${part.toString(16)}`;
  const parts = [a, b, c, d];
  return [
    address,
    `${address}.`,
    ...[String(whole), hex(whole), octal(whole), `0X${whole.toString(16).toUpperCase()}`, `${whole}.`],
    ...[parts.map(octal), parts.map(hex), [hex(a), octal(b), c, d], [`000${octal(a)}`, b, c, d]].map((all) =>
      all.join('.'),
    ),
    `${a}.${(b << 16) | (c << 8) | d}`,
    `${a}.${b}.${(c << 8) | d}`,
    `${hex(a)}.${octal((b << 16) | (c << 8) | d)}`,
    address.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    address.replace(/\d/g, (digit) =>
      digit === '0' ? '⓪' : String.fromCodePoint(0x2460 + Number(digit) - 1),
    ),
    address.replaceAll('.', '。'),
    address.replaceAll('.', '．'),
    address.replaceAll('.', '%2e'),
    [...address].map((one) => `%${one.charCodeAt(0).toString(16)}`).join(''),
  ];
}
