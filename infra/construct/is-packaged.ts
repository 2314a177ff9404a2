/** Put in its place when the package is built. */
declare const PACKAGED: true | undefined;

/**
 * Whether this code runs from the installed package, in an app of somebody else's, and not from the project's own
 * repository: what a sentence says to run or to look at must be there.
 */
export const IS_PACKAGED = typeof PACKAGED !== 'undefined';

/** How the secrets are set up here. */
export const SETUP = IS_PACKAGED ? 'npx wiro-serverless-setup' : 'npm run setup';
