import { SET_UP } from '../aws/set-up.ts';

/**
 * Explains why Wiro does not accept a call, and what to do. A wrong key is one of several causes: Wiro's text tells which.
 * @param why - What is known of the refusal, including Wiro's text.
 * @param code - Wiro's error code, if it gave one.
 */
export function explainUnauthorized({
  why,
  code,
}: {
  readonly why: string;
  readonly code?: number | undefined;
}): string {
  if (ABOUT_ADDRESS.test(why))
    return `The Wiro project takes calls from certain IP addresses only, and AWS Lambda has no fixed one (${why}). The API key may be right: remove the restriction in the project's settings at Wiro.`;
  if (code === 98)
    return `Wiro asks for a sign-in that a project's key cannot give (code 98: ${why}). Check at Wiro whether the key's project still exists and may use this model; with the key of another project, ${SET_UP}.`;
  return `Wiro does not accept this deployment's API key (${why}). Check at Wiro that the key and its secret belong to one project and are current, and ${SET_UP} with them; if the project restricts IP addresses, remove that: AWS Lambda has no fixed one.`;
}

const ABOUT_ADDRESS = /\bip\b|\bips\b|\bIP(?:v4|v6)\b|ip[- _]?address|whitelist|allow-?list/i;
