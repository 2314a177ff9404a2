/** The reversed polynomial of CRC-32. */
const POLYNOMIAL = 0xedb88320;

/**
 * The CRC-32 of two byte sequences, one after the other, from the CRC-32 of each: zlib's `crc32_combine`. So each part
 * is summed once, in any order.
 * @param secondBytes - The length of the second sequence.
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  let sum = first;
  for (let left = secondBytes, power = 0; left > 0; left = Math.floor(left / 2), power += 1)
    if (left % 2 === 1) sum = multiply(appendZeroBytes(power), sum);
  return (sum ^ second) >>> 0;
}

const powers: Uint32Array[] = [];

/**
 * The effect of 2 to this power of zero bytes on a sum: a matrix over GF(2). Each is reached by squaring, once: all parts
 * but the last have one length.
 */
function appendZeroBytes(power: number): Uint32Array {
  const known = powers[power];
  if (known !== undefined) return known;
  const made = square(power === 0 ? square(square(appendZeroBit())) : appendZeroBytes(power - 1));
  powers[power] = made;
  return made;
}

/** The effect of one zero bit on a sum: each column shows what becomes of one bit. */
const appendZeroBit = (): Uint32Array =>
  Uint32Array.from({ length: 32 }, (_, bit) => (bit === 0 ? POLYNOMIAL : 2 ** (bit - 1)));

const square = (matrix: Uint32Array): Uint32Array => matrix.map((column) => multiply(matrix, column));

function multiply(matrix: Uint32Array, vector: number): number {
  let product = 0;
  for (let bit = 0, rest = vector; rest !== 0; bit += 1, rest >>>= 1)
    if (rest & 1) product ^= matrix[bit] ?? 0;
  return product >>> 0;
}
