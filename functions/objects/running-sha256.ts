import { createHash } from 'node:crypto';

/** A SHA-256 of bytes that come one after the other. */
export interface RunningSha256 {
  /** Resolves once the bytes are digested. They must not change until then. */
  update(bytes: Uint8Array): Promise<void>;
  /** Ends it, also if its result is not needed any more. @returns Lower-case hex. */
  end(): Promise<string>;
}

/** Opens a SHA-256. */
export type OpenSha256 = () => RunningSha256;

/** Digests at once, on the caller's thread. */
export const openSha256: OpenSha256 = () => {
  const hash = createHash('sha256');
  return {
    async update(bytes) {
      hash.update(bytes);
    },
    end: async () => hash.digest('hex'),
  };
};

/** The memory in MB with which Lambda gives a function one whole processor. */
const ONE_PROCESSOR_MB = 1_769;

/** Whether the function may use a second processor. */
export const hasSecondProcessor = ({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE }: NodeJS.ProcessEnv): boolean =>
  Number(AWS_LAMBDA_FUNCTION_MEMORY_SIZE) > ONE_PROCESSOR_MB;
