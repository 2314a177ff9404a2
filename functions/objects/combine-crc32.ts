/** The reversed polynomial of CRC-32. */
const POLYNOMIAL = 0xedb88320;

/**
 * The CRC-32 of two byte sequences, one after the other, from the CRC-32 of each: zlib's `crc32_combine`. So each part
 * is summed once, in any order.
 * @param secondBytes - The length of the second sequence.
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  let sum = first;
  // Appending bytes multiplies the sum by a matrix over GF(2). Its powers are reached by squaring.
  let append = square(square(square(appendZeroBit())));
  for (let left = secondBytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = multiply(append, sum);
    append = square(append);
  }
  return (sum ^ second) >>> 0;
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
